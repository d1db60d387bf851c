import { expiryOf } from '../domain/account-change.ts';
import { type Caller, demandOrganization, demandRight } from '../domain/caller.ts';
import type { Card } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import { DEFAULT_VALIDITY_YEARS, demandPlausible, type Expiry } from '../domain/expiry.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import {
  type AnswerOnceDeps,
  answerOnce,
  type KeepAnswer,
  type Repeatable,
} from './answer-once.ts';
import type { Audited, Trail } from './audit-trail.ts';
import { demandCard, openDetails, shownDetails } from './card-details.ts';
import { type IssuedCard, issuedCard } from './create-card.ts';
import {
  type CardReference,
  demandRecord,
  type FindNumberDeps,
  findByReference,
} from './find-number.ts';
import { addAccountChange, demandCurrent, RACE_LIMIT, readLineage } from './lineage.ts';
import type { Clock, Random } from './ports.ts';

export interface RenewCardRequest {
  readonly organization: OrganizationNumber;
  readonly card: CardReference;
  readonly sequence: number;
  /**
   * `renewed`: the expiry moves on by {@link DEFAULT_VALIDITY_YEARS}. `same`: one more plastic of the
   * card as it is, after damage.
   */
  readonly expiry: 'renewed' | 'same';
  readonly repeatable?: Repeatable | undefined;
}

export type RenewCard = (
  caller: Caller,
  request: RenewCardRequest,
  requestId: string,
) => Promise<IssuedCard>;

export type RenewCardDeps = FindNumberDeps &
  AnswerOnceDeps & {
    readonly audited: Audited;
    readonly clock: Clock;
    readonly random: Random;
  };

/**
 * Makes one more plastic of a card. Number and PAN-TOKEN stay what they are.
 *
 * @throws {Refusal} `RIGHT_MISSING`, those of finding the card, `CARD_REPLACED`, `CARD_CLOSED`, `CARD_BUSY`,
 *   `EXPIRY_INVALID`
 */
export function makeRenewCard(deps: RenewCardDeps): RenewCard {
  return (caller, request, requestId) =>
    deps.audited({ who: `caller:${caller.id}`, requestId }, 'renew_card', async (trail) => {
      trail.note({ organization: request.organization });
      demandOrganization(caller, request.organization);
      demandRight(caller, 'issue');
      const organization = demandRecord(deps.directory, request.organization);
      return answerOnce(deps, trail, caller, request, (once, keep) =>
        renew(deps, once, caller, { ...request, organization }, keep),
      );
    });
}

async function renew(
  deps: RenewCardDeps,
  trail: Trail,
  caller: Caller,
  request: Omit<RenewCardRequest, 'organization'> & { organization: Organization },
  keep: KeepAnswer,
): Promise<IssuedCard> {
  const { cards, keyring, clock, directory } = deps;
  const { organization } = request;
  const { record, pan } = await findByReference(deps, organization, request.card, trail);
  for (let tries = 0; tries < RACE_LIMIT; tries++) {
    const { nextPosition } = await demandCurrent(cards, record);
    const nowMs = clock.nowMs();
    const { effective } = await readLineage(cards, record, nowMs);
    const issued = await demandCard(cards, record, request.sequence);
    const before = { ...issued, expiry: expiryOf(issued, effective) };
    const card = nextPlastic(before, request.expiry);
    demandPlausible(card.expiry, nowMs);
    const details = openDetails(keyring, record, card);
    const shown = shownDetails(directory, caller, organization.number, details);
    const answer = issuedCard(organization, record, card, shown, pan);
    const outcome = await trail.commit([
      ...keep(answer),
      { kind: 'renew_card', card },
      ...(await addAccountChange(deps, {
        organization: organization.number,
        lineage: record.lineage,
        position: nextPosition,
        numberId: record.id,
        sequence: card.sequence,
        ...(request.expiry === 'renewed'
          ? { kind: 'renewed', expiry: card.expiry }
          : { kind: 'plastic' }),
        effectiveAtMs: nowMs,
        recordedAtMs: nowMs,
      })),
    ]);
    if (outcome.committed) return answer; // Else somebody changed the lineage first: look again.
  }
  throw new Refusal('CARD_BUSY');
}

function nextPlastic(card: Card, expiry: RenewCardRequest['expiry']): Card {
  const added = expiry === 'renewed' ? DEFAULT_VALIDITY_YEARS * 100 : 0;
  return {
    ...card,
    expiry: (card.expiry + added) as Expiry,
    chipSequence: card.chipSequence + 1,
  };
}
