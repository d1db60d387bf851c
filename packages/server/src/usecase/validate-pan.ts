import { expiryOf } from '../domain/account-change.ts';
import type { NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { Expiry } from '../domain/expiry.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { CardNumber, Pan } from '../domain/pan.ts';
import { type Scheme, schemeOf } from '../domain/scheme.ts';
import { keptDigits } from '../domain/token-format.ts';
import { type ValidationStatus, validationStatus } from '../domain/validation.ts';
import type { Audited, Trail } from './audit-trail.ts';
import { type FindNumberDeps, lookUpNumber, openPan } from './find-number.ts';
import { readLineage } from './lineage.ts';
import type { Clock } from './ports.ts';

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

export type ValidatePanDeps = FindNumberDeps & {
  readonly audited: Audited;
  readonly clock: Clock;
};

/**
 * Tells a merchant whether a card on file is still good, from the issuer's own records: the same
 * facts that creating, reissuing and renewing cards made.
 *
 * @throws {Refusal} `SCHEME_UNSUPPORTED`, `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export function makeValidatePan(deps: ValidatePanDeps): ValidatePan {
  return (merchant, { number, expiry }, requestId) =>
    deps.audited({ who: `merchant:${merchant.id}`, requestId }, 'validate_pan', async (trail) => {
      trail.note({ maskedNumber: String(number) });
      const scheme = schemeOf(number);
      if (scheme === undefined) throw new Refusal('SCHEME_UNSUPPORTED');
      const answer = { scheme, ...(await lookUp(deps, merchant, { number, expiry }, trail)) };
      trail.note({ status: answer.status });
      await trail.commit([]);
      return answer;
    });
}

async function lookUp(
  deps: ValidatePanDeps,
  merchant: Merchant,
  { number, expiry }: ValidatePanRequest,
  trail: Trail,
): Promise<Omit<Validation, 'scheme'>> {
  const { directory, cards, clock } = deps;
  const range = directory.findBinRange(number);
  const formats = range && directory.findOrganization(range.organization)?.formats;
  trail.spend(number.reveal(), keptDigits(formats ?? [], number.length));
  if (range === undefined) return { status: 'N' };
  trail.note({ organization: range.organization });
  const found = await lookUpNumber(deps, range.organization, number);
  if (found === undefined) return { status: 'P' };
  const { record } = found;
  const state = await readLineage(cards, record, clock.nowMs());
  const newest =
    state.newestNumberId === record.id
      ? record
      : await cards.findNumber(record.organization, state.newestNumberId);
  // A log that was edited must not lead to somebody else's number.
  if (newest?.lineage !== state.newestLineage) throw new Refusal('RECORD_DAMAGED');
  const expiries = (await cards.listCards(newest.organization, newest.id)).map((card) =>
    expiryOf(card, state.effective),
  );
  if (expiries.length === 0) throw new Refusal('RECORD_DAMAGED');
  const status = validationStatus(
    { numberId: record.id, expiry, merchantId: merchant.id },
    state,
    expiries,
  );
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
