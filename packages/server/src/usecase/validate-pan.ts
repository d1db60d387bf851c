import assert from 'node:assert/strict';
import { Refusal } from '../domain/error.ts';
import type { Expiry } from '../domain/expiry.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { CardNumber } from '../domain/pan.ts';
import { type Scheme, schemeOf } from '../domain/scheme.ts';
import { type AccountUpdate, upstreamFacts } from './account-update-source.ts';
import type { Audited } from './audit-trail.ts';
import { findMerchantCard } from './find-merchant-card.ts';
import type { CardReference, FindNumberDeps } from './find-number.ts';
import type { AccountUpdates } from './route-inquiries.ts';

export interface ValidatePanRequest {
  readonly card: CardReference;
  readonly expiry: Expiry;
}

/** What a merchant is told. */
export interface Validation extends AccountUpdate {
  /** The number that was asked about; who named it by a token is not shown it. */
  readonly number: CardNumber;
  readonly scheme: Scheme;
}

export type ValidatePan = (
  merchant: Merchant,
  request: ValidatePanRequest,
  requestId: string,
) => Promise<Validation>;

export interface ValidatePanDeps extends FindNumberDeps {
  readonly audited: Audited;
  readonly accountUpdates: AccountUpdates;
}

/**
 * Tells a merchant whether a card on file is still good: from the issuer's own records where the BIN
 * is one of ours, else from its scheme.
 *
 * @throws {Refusal} `CARD_NUMBER_NOT_FOUND` for a token, `SCHEME_UNSUPPORTED`, `RECORD_DAMAGED`, `KEY_UNAVAILABLE`, `UPSTREAM_*`
 */
export function makeValidatePan(deps: ValidatePanDeps): ValidatePan {
  const { audited, accountUpdates } = deps;
  return (merchant, { card, expiry }, requestId) =>
    audited({ who: `merchant:${merchant.id}`, requestId }, 'validate_pan', async (trail) => {
      const number = await findMerchantCard(deps, merchant, card, trail);
      trail.note({ number });
      const scheme = schemeOf(number);
      if (scheme === undefined) throw new Refusal('SCHEME_UNSUPPORTED');
      const source = accountUpdates.sourceOf(number);
      trail.note({ source: source.name });
      const [outcome] = await source.inquire([{ merchant, number, expiry }]);
      assert(outcome);
      if (outcome.refusal !== undefined) {
        trail.note(upstreamFacts(outcome.refusal));
        throw outcome.refusal;
      }
      const { update } = outcome;
      const organization = update.onRecord?.organization;
      if (organization !== undefined) trail.note({ organization });
      trail.note({ status: update.status });
      if (update.onRecord?.bait && card.kind === 'number') trail.tripBait();
      await trail.commit([]);
      return { ...update, scheme, number };
    });
}
