import { parseExpiry } from '../domain/expiry.ts';
import type { Organization } from '../domain/organization.ts';
import { parseOrganizationNumber } from '../domain/organization-number.ts';
import { CardNumber, Pan } from '../domain/pan.ts';
import { parseFormats } from '../domain/token-format.ts';
import type { ValidationStatus } from '../domain/validation.ts';

/** An organization of the sandbox and the BINs it issues under. */
export interface PlannedOrganization {
  readonly organization: Organization;
  readonly ranges: readonly { prefix: string; logo: number; panLength: number }[];
}

const keyed = { engine: 'keyed', keepFirst: 6, keepLast: 4 } as const;

const organization = (
  number: number,
  name: string,
  panTokenOn: boolean,
  formats: Parameters<typeof parseFormats>[0],
): Organization => ({
  number: parseOrganizationNumber(number),
  name,
  panTokenOn,
  formats: parseFormats(formats),
});

export const ORGANIZATIONS: readonly PlannedOrganization[] = [
  {
    organization: organization(100, 'Alphanumeric tokens', true, [
      { ...keyed, alphabet: 'alphanumeric' },
    ]),
    ranges: [
      { prefix: '540208', logo: 1, panLength: 16 },
      { prefix: '457123', logo: 2, panLength: 16 },
    ],
  },
  {
    organization: organization(200, 'Numeric tokens', true, [{ ...keyed, alphabet: 'numeric' }]),
    ranges: [{ prefix: '527346', logo: 3, panLength: 16 }],
  },
  {
    organization: organization(300, 'PAN Token switched off', false, [
      { ...keyed, alphabet: 'alphanumeric' },
    ]),
    ranges: [{ prefix: '453201', logo: 4, panLength: 16 }],
  },
  {
    organization: organization(400, 'Random tokens', true, [
      { engine: 'random', alphabet: 'alphanumeric', keepFirst: 8, keepLast: 4 },
    ]),
    ranges: [{ prefix: '22230012', logo: 5, panLength: 16 }],
  },
];

/** Who calls: one may see card numbers, one may not. */
export const CALLERS = [
  { name: 'issuer', clientId: '00970', pciCertified: true },
  { name: 'channel', clientId: '00971', pciCertified: false },
] as const;

/** A card that makes a status happen, and what becomes of it before a merchant asks. */
export interface Scenario {
  readonly status: ValidationStatus;
  readonly number: CardNumber;
  readonly fate:
    | 'kept'
    | 'reissued'
    | 'renewed'
    | 'closed'
    | 'contact_cardholder'
    | 'opted_out'
    | 'never_issued';
}

/** The expiry all scenario cards are issued with. */
export const SCENARIO_EXPIRY = parseExpiry('11', '2028');

const mastercard = (account: string) => Pan.withCheckDigit(`540208${account}`);
const visa = (account: string) => Pan.withCheckDigit(`457123${account}`);

export const SCENARIOS: readonly Scenario[] = [
  { status: 'A', number: mastercard('000000001'), fate: 'reissued' },
  { status: 'C', number: visa('000000002'), fate: 'closed' },
  { status: 'E', number: mastercard('000000003'), fate: 'renewed' },
  { status: 'N', number: CardNumber.parseNumber('4111111111111111'), fate: 'never_issued' },
  { status: 'O', number: visa('000000005'), fate: 'opted_out' },
  { status: 'P', number: mastercard('000000006'), fate: 'never_issued' },
  { status: 'Q', number: visa('000000007'), fate: 'contact_cardholder' },
  { status: 'V', number: mastercard('000000008'), fate: 'kept' },
];
