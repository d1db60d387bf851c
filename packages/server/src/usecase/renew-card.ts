import { type Caller, demandOrganization, demandRight } from '../domain/caller.ts';
import type { Card } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import { addYears, DEFAULT_VALIDITY_YEARS } from '../domain/expiry.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Audited } from './audit-trail.ts';
import { demandCard, openDetails } from './card-details.ts';
import { type IssuedCard, issuedCard } from './create-card.ts';
import {
  type CardReference,
  demandRecord,
  type FindNumberDeps,
  findByReference,
} from './find-number.ts';
import { demandCurrent, RACE_LIMIT } from './lineage.ts';
import type { Change, Clock } from './ports.ts';

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
 * @throws {Refusal} `RIGHT_MISSING`, those of finding the card, `CARD_REPLACED`, `CARD_CLOSED`, `CARD_BUSY`,
 *   `EXPIRY_INVALID`
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
        const before = await demandCard(cards, record, request.sequence);
        const card = nextPlastic(before, request.expiry);
        const changes: Change[] = [{ kind: 'renew_card', card }];
        if (request.expiry === 'renewed') {
          changes.push({
            kind: 'add_account_change',
            change: {
              organization: organization.number,
              lineage: record.lineage,
              position: nextPosition,
              kind: 'renewed',
              numberId: record.id,
              sequence: card.sequence,
              expiry: card.expiry,
              recordedAtMs: clock.nowMs(),
            },
          });
        }
        const outcome = await trail.commit(changes);
        if (!outcome.committed) continue; // Somebody changed the lineage first: look again.
        const details = openDetails(keyring, record, card);
        return issuedCard(organization, record, card, details, pan);
      }
      throw new Refusal('CARD_BUSY');
    });
}

function nextPlastic(card: Card, expiry: RenewCardRequest['expiry']): Card {
  const isRenewed = expiry === 'renewed';
  return {
    ...card,
    expiry: isRenewed ? addYears(card.expiry, DEFAULT_VALIDITY_YEARS) : card.expiry,
    chipSequence: card.chipSequence + 1,
  };
}
