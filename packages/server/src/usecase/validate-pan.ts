import type { NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { Expiry } from '../domain/expiry.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { CardNumber, Pan } from '../domain/pan.ts';
import { type Scheme, schemeOf } from '../domain/scheme.ts';
import { keptDigits } from '../domain/token-format.ts';
import { type ValidationStatus, validationStatus } from '../domain/validation.ts';
import type { Audited, Trail } from './audit-trail.ts';
import { type FindNumberDeps, openPan } from './find-number.ts';
import { readLineage } from './lineage.ts';

export interface ValidatePanRequest {
  readonly number: CardNumber;
  readonly expiry: Expiry;
}

/** What a merchant is told. The new number and expiry are there for `A`, the new expiry for `E`. */
export interface Validation {
  readonly status: ValidationStatus;
  readonly scheme: Scheme;
  readonly newPan?: Pan;
  readonly newExpiry?: Expiry;
}

export type ValidatePan = (
  merchant: Merchant,
  request: ValidatePanRequest,
  requestId: string,
) => Promise<Validation>;

/**
 * Tells a merchant whether a card on file is still good, from the issuer's own records: the same
 * facts that creating, reissuing and renewing cards made.
 *
 * @throws {Refusal} `SCHEME_UNSUPPORTED`, `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export function makeValidatePan(deps: FindNumberDeps & { audited: Audited }): ValidatePan {
  return (merchant, { number, expiry }, requestId) =>
    deps.audited({ who: `merchant:${merchant.id}`, requestId }, 'validate_pan', async (trail) => {
      trail.note({ maskedNumber: String(number) });
      const scheme = schemeOf(number);
      if (scheme === undefined) throw new Refusal('SCHEME_UNSUPPORTED');
      const answer = { scheme, ...(await lookUp(deps, { number, expiry }, trail)) };
      trail.note({ status: answer.status });
      await trail.commit([]);
      return answer;
    });
}

async function lookUp(
  deps: FindNumberDeps,
  { number, expiry }: ValidatePanRequest,
  trail: Trail,
): Promise<Omit<Validation, 'scheme'>> {
  const { directory, cards, keyring } = deps;
  const range = directory.findBinRange(number);
  const formats = range && directory.findOrganization(range.organization)?.formats;
  trail.spend(number.reveal(), keptDigits(formats ?? [], number.length));
  if (range === undefined) return { status: 'N' };
  trail.note({ organization: range.organization });
  const panIndex = keyring.panIndex(range.organization, number);
  const record = await cards.findNumberByIndex(range.organization, panIndex);
  if (record === undefined) return { status: 'P' };
  if (!openPan(keyring, record).equals(number)) throw new Refusal('RECORD_DAMAGED');
  const state = await readLineage(cards, record);
  const newest =
    state.newestNumberId === record.id
      ? record
      : await cards.findNumber(record.organization, state.newestNumberId);
  if (newest === undefined) throw new Refusal('RECORD_DAMAGED');
  const expiries = (await cards.listCards(newest.organization, newest.id)).map(
    (card) => card.expiry,
  );
  const status = validationStatus({ numberId: record.id, expiry }, state, expiries);
  return { status, ...news(deps, status, newest, expiries) };
}

/** What is new to the merchant. Of several cards with one number, the one that is good longest. */
function news(
  { keyring }: FindNumberDeps,
  status: ValidationStatus,
  newest: NumberRecord,
  expiries: readonly Expiry[],
): Pick<Validation, 'newPan' | 'newExpiry'> {
  if (status !== 'A' && status !== 'E') return {};
  const newExpiry = Math.max(...expiries) as Expiry;
  return status === 'A' ? { newPan: openPan(keyring, newest), newExpiry } : { newExpiry };
}
