import { expiryOf } from '../domain/account-change.ts';
import { type Caller, demandOrganization, demandRight } from '../domain/caller.ts';
import { Refusal } from '../domain/error.ts';
import type { Expiry } from '../domain/expiry.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { type ValidationStatus, validationStatus } from '../domain/validation.ts';
import type { Audited } from './audit-trail.ts';
import {
  type CardReference,
  demandRecord,
  type FindNumberDeps,
  findByReference,
} from './find-number.ts';
import { readLineage } from './lineage.ts';
import type { Clock } from './ports.ts';

export interface ValidateCardRequest {
  readonly organization: OrganizationNumber;
  readonly card: CardReference;
  readonly expiry: Expiry;
}

/** What became of a card of one's own organization. It never holds a number. */
export interface CardStanding {
  readonly status: ValidationStatus;
  /** `A`, where PAN Token is on: the token of the new number. */
  readonly newToken?: string;
  /** `A` and `E`. */
  readonly newExpiry?: Expiry;
}

export type ValidateCard = (
  caller: Caller,
  request: ValidateCardRequest,
  requestId: string,
) => Promise<CardStanding>;

export type ValidateCardDeps = FindNumberDeps & {
  readonly audited: Audited;
  readonly clock: Clock;
};

/** Nobody's stop advice concerns an issuer's own channel. */
const NO_MERCHANT = '';

/**
 * Tells a caller of the issuer what became of a card: the letter a merchant would get, and the token
 * in place of a number.
 *
 * @throws {Refusal} `ORGANIZATION_NOT_FOUND`, `RIGHT_MISSING`, those of finding the card
 */
export function makeValidateCard(deps: ValidateCardDeps): ValidateCard {
  const { audited, directory, cards, clock } = deps;
  return (caller, { organization: number, card, expiry }, requestId) =>
    audited({ who: `caller:${caller.id}`, requestId }, 'validate_card', async (trail) => {
      trail.note({ organization: number });
      demandOrganization(caller, number);
      demandRight(caller, 'validate');
      const organization = demandRecord(directory, number);
      const { record } = await findByReference(deps, organization, card, trail);
      const state = await readLineage(cards, record, clock.nowMs());
      const newest = await cards.findNumber(number, state.newestNumberId);
      // A log that was edited must not lead to somebody else's number.
      if (newest?.lineage !== state.newestLineage) throw new Refusal('RECORD_DAMAGED');
      const terms = await cards.listTerms(number, newest.id);
      const expiries = terms.map((each) => expiryOf(each, state.effective));
      const asked = { numberId: record.id, expiry, merchantId: NO_MERCHANT };
      const status = validationStatus(asked, state, expiries);
      trail.note({ status });
      await trail.commit([]);
      const isNew = status === 'A' || status === 'E';
      return {
        status,
        ...(status === 'A' && organization.panTokenOn && { newToken: newest.token }),
        ...(isNew && { newExpiry: Math.max(...expiries) as Expiry }),
      };
    });
}
