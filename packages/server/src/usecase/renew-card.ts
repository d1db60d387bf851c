import { expiryOf } from '../domain/account-change.ts';
import { type Caller, demandOrganization, demandRight } from '../domain/caller.ts';
import type { Card } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import { DEFAULT_VALIDITY_YEARS, demandPlausible, type Expiry } from '../domain/expiry.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Audited } from './audit-trail.ts';
import { demandCard, openDetails, shownDetails } from './card-details.ts';
import { type IssuedCard, issuedCard } from './create-card.ts';
import {
  type CardReference,
  demandRecord,
  type FindNumberDeps,
  findByReference,
} from './find-number.ts';
import { addAccountChange, demandCurrent, RACE_LIMIT, readLineage } from './lineage.ts';
import type { Clock } from './ports.ts';

export interface RenewCardRequest {
  readonly organization: OrganizationNumber;
  readonly card: CardReference;
  readonly sequence: number;
  /**
   * `renewed`: the expiry moves on by {@link DEFAULT_VALIDITY_YEARS}. `same`: one more plastic of the
   * card as it is, after damage.
   */
  readonly expiry: 'renewed' | 'same';
}

export type RenewCard = (
  caller: Caller,
  request: RenewCardRequest,
  requestId: string,
) => Promise<IssuedCard>;

export type RenewCardDeps = FindNumberDeps & { readonly audited: Audited; readonly clock: Clock };

/**
 * Makes one more plastic of a card. Number and PAN-TOKEN stay what they are.
 *
 * @throws {Refusal} `RIGHT_MISSING`, those of finding the card, `CARD_REPLACED`, `CARD_CLOSED`, `CARD_BUSY`
 */
export function makeRenewCard(deps: RenewCardDeps): RenewCard {
  const { audited, directory, cards, keyring, clock } = deps;
  return (caller, request, requestId) =>
    audited({ who: `caller:${caller.id}`, requestId }, 'renew_card', async (trail) => {
      trail.note({ organization: request.organization });
      demandOrganization(caller, request.organization);
      demandRight(caller, 'issue');
      const organization = demandRecord(directory, request.organization);
      const { record, pan } = await findByReference(deps, organization, request.card, trail);
      for (let tries = 0; tries < RACE_LIMIT; tries++) {
        const { nextPosition } = await demandCurrent(cards, record);
        const { effective } = await readLineage(cards, record, clock.nowMs());
        const issued = await demandCard(cards, record, request.sequence);
        const before = { ...issued, expiry: expiryOf(issued, effective) };
        const card = nextPlastic(before, request.expiry);
        demandPlausible(card.expiry, clock.nowMs());
        const details = openDetails(keyring, record, card);
        const shown = shownDetails(directory, caller, organization.number, details);
        const outcome = await trail.commit([
          { kind: 'renew_card', card },
          ...addAccountChange({
            organization: organization.number,
            lineage: record.lineage,
            position: nextPosition,
            numberId: record.id,
            sequence: card.sequence,
            ...(request.expiry === 'renewed'
              ? { kind: 'renewed', expiry: card.expiry }
              : { kind: 'plastic' }),
            effectiveAtMs: clock.nowMs(),
            recordedAtMs: clock.nowMs(),
          }),
        ]);
        if (outcome.committed) return issuedCard(organization, record, card, shown, pan);
        // Somebody changed the lineage first: look again.
      }
      throw new Refusal('CARD_BUSY');
    });
}

function nextPlastic(card: Card, expiry: RenewCardRequest['expiry']): Card {
  const added = expiry === 'renewed' ? DEFAULT_VALIDITY_YEARS * 100 : 0;
  return {
    ...card,
    expiry: (card.expiry + added) as Expiry,
    chipSequence: card.chipSequence + 1,
  };
}
