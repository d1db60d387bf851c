import { ACCOUNT_CHANGE_KINDS } from '../domain/account-change.ts';
import { FIRST_CARD_SEQUENCE, parseCardSequence } from '../domain/card.ts';
import { parseEffectiveDate } from '../domain/effective-date.ts';
import { Refusal } from '../domain/error.ts';
import { type Expiry, parseExpiry } from '../domain/expiry.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { CardNumber, Pan } from '../domain/pan.ts';
import type { CardReference } from './find-number.ts';
import type { AccountChangeRequest } from './record-account-change.ts';

/** An account change as an issuer writes it, in a request or in a line of a file. */
export interface AccountChangeMessage {
  readonly reference: string;
  readonly kind: (typeof ACCOUNT_CHANGE_KINDS)[number];
  /** `YYYY-MM-DD`: from the beginning of that day, UTC. */
  readonly effectiveDate?: string;
  /** Of the card, this or {@link panToken}. */
  readonly pan?: string;
  readonly panToken?: string;
  readonly cardSequence?: number;
  readonly newPan?: string;
  /** `YYYY-MM` */
  readonly newExpiry?: string;
  /** `YYYY-MM` */
  readonly expiry?: string;
  readonly merchantId?: string;
  /** The reference of the change that was wrong. */
  readonly corrects?: string;
}

/** What a message may say besides `reference` and `kind`, by kind; all else is refused. */
const FIELDS: Readonly<Record<AccountChangeMessage['kind'], readonly string[]>> = {
  replaced: ['effectiveDate', 'pan', 'panToken', 'newPan', 'newExpiry'],
  renewed: ['effectiveDate', 'pan', 'panToken', 'cardSequence', 'expiry'],
  closed: ['effectiveDate', 'pan', 'panToken'],
  contact_cardholder: ['effectiveDate', 'pan', 'panToken'],
  opted_out: ['effectiveDate', 'pan', 'panToken'],
  opted_in: ['effectiveDate', 'pan', 'panToken'],
  stop_advice: ['effectiveDate', 'pan', 'panToken', 'merchantId'],
  correction: ['corrects'],
};

const TYPE_OF_FIELD: Readonly<Record<keyof AccountChangeMessage, 'string' | 'number'>> = {
  reference: 'string',
  kind: 'string',
  effectiveDate: 'string',
  pan: 'string',
  panToken: 'string',
  cardSequence: 'number',
  newPan: 'string',
  newExpiry: 'string',
  expiry: 'string',
  merchantId: 'string',
  corrects: 'string',
};

/**
 * A message of whatever was read from a file: its fields are known and of their types.
 *
 * @throws {Refusal} `REQUEST_INVALID`
 */
export function messageOf(value: unknown): AccountChangeMessage {
  if (typeof value !== 'object' || value === null) throw invalid('message');
  const types: Readonly<Record<string, string>> = TYPE_OF_FIELD;
  for (const [field, content] of Object.entries(value)) {
    const type = Object.hasOwn(types, field) ? types[field] : undefined;
    if (type === undefined) throw new Refusal('REQUEST_INVALID', { reason: 'unknown_field' });
    if (typeof content !== type) throw invalid(field);
  }
  const message = value as AccountChangeMessage;
  if (message.reference === undefined) throw new Refusal('REFERENCE_INVALID');
  return message;
}

/** Printable ASCII. */
const REFERENCE_PATTERN = /^[\x21-\x7e]{1,64}$/;

/**
 * @param message of the right types; whether the values are right is seen here.
 * @throws {Refusal} `REQUEST_INVALID` naming the field, `REFERENCE_INVALID`, `EFFECTIVE_DATE_INVALID`,
 *   `EXPIRY_INVALID`, `PAN_MALFORMED`, `CARD_NUMBER_MALFORMED`, `CARD_SEQUENCE_INVALID`
 */
export function parseAccountChange(
  organization: OrganizationNumber,
  message: AccountChangeMessage,
): AccountChangeRequest {
  const { kind } = message;
  if (!ACCOUNT_CHANGE_KINDS.includes(kind)) throw invalid('kind');
  for (const field of Object.keys(message)) {
    const isAllowed = ['reference', 'kind', ...FIELDS[kind]].includes(field);
    if (!isAllowed) throw new Refusal('REQUEST_INVALID', { reason: 'field_not_of_this_kind' });
  }
  const reference = parseReference(message.reference);
  if (kind === 'correction') {
    return { organization, reference, kind, corrects: parseReference(message.corrects) };
  }
  const { effectiveDate } = message;
  const common = {
    organization,
    reference,
    card: parseCard(message),
    effectiveAtMs: effectiveDate === undefined ? undefined : parseEffectiveDate(effectiveDate),
  };
  switch (kind) {
    case 'replaced': {
      const newPan = Pan.parse(demand(message.newPan, 'newPan'));
      const { newExpiry } = message;
      const parsed = newExpiry === undefined ? undefined : parseMonth(newExpiry);
      return { ...common, kind, newPan, newExpiry: parsed };
    }
    case 'renewed': {
      const sequence = parseCardSequence(message.cardSequence ?? FIRST_CARD_SEQUENCE);
      return { ...common, kind, sequence, expiry: parseMonth(demand(message.expiry, 'expiry')) };
    }
    case 'stop_advice': {
      const merchantId = demand(message.merchantId, 'merchantId').toLowerCase();
      if (!/^[0-9a-f]{32}$/.test(merchantId)) throw invalid('merchantId');
      return { ...common, kind, merchantId };
    }
    default:
      return { ...common, kind };
  }
}

function parseCard({ pan, panToken }: AccountChangeMessage): CardReference {
  if (pan !== undefined && panToken === undefined) {
    return { kind: 'number', number: CardNumber.parseNumber(pan) };
  }
  if (panToken !== undefined && pan === undefined) return { kind: 'token', token: panToken };
  throw invalid('pan');
}

function parseReference(text: string | undefined): string {
  if (text === undefined || !REFERENCE_PATTERN.test(text)) throw new Refusal('REFERENCE_INVALID');
  return text;
}

function parseMonth(text: string): Expiry {
  const [, year = '', month = ''] = /^([0-9]{4})-([0-9]{2})$/.exec(text) ?? [];
  return parseExpiry(month, year);
}

function demand(value: string | undefined, field: string): string {
  if (value === undefined) throw invalid(field);
  return value;
}

function invalid(field: string): Refusal {
  return new Refusal('REQUEST_INVALID', { field });
}
