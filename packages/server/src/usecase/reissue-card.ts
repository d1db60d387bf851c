import { type Caller, demandOrganization, demandRight } from '../domain/caller.ts';
import { Refusal } from '../domain/error.ts';
import { DEFAULT_VALIDITY_YEARS, expiryAfterYears } from '../domain/expiry.ts';
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
import { drawPan } from './draw-pan.ts';
import {
  type CardReference,
  demandRecord,
  type FindNumberDeps,
  findByReference,
} from './find-number.ts';
import { addAccountChange, demandCurrent, RACE_LIMIT } from './lineage.ts';
import {
  addNumber,
  DRAW_LIMIT,
  type MakeNumberDeps,
  makeNumber,
  numberConflict,
} from './make-number.ts';
import { moveCards } from './move-cards.ts';

export interface ReissueCardRequest {
  readonly organization: OrganizationNumber;
  readonly card: CardReference;
  readonly sequence: number;
  readonly repeatable?: Repeatable | undefined;
}

export type ReissueCard = (
  caller: Caller,
  request: ReissueCardRequest,
  requestId: string,
) => Promise<IssuedCard>;

export type ReissueCardDeps = FindNumberDeps &
  MakeNumberDeps &
  AnswerOnceDeps & { readonly audited: Audited };

/**
 * Replaces a card that was lost, stolen or must not be used any more: a new number of the same BIN
 * range, a new PAN-TOKEN, a new expiry. Every card that carried the old number goes over to the new
 * one, since it is the number that must not be used. The old number stays on record as replaced.
 *
 * @throws {Refusal} `RIGHT_MISSING`, those of finding the card, `CARD_REPLACED`, `CARD_CLOSED`, `BIN_RANGE_EXHAUSTED`,
 *   `CARD_BUSY`
 */
export function makeReissueCard(deps: ReissueCardDeps): ReissueCard {
  return (caller, request, requestId) =>
    deps.audited({ who: `caller:${caller.id}`, requestId }, 'reissue_card', async (trail) => {
      trail.note({ organization: request.organization });
      demandOrganization(caller, request.organization);
      demandRight(caller, 'issue');
      const organization = demandRecord(deps.directory, request.organization);
      return answerOnce(deps, trail, caller, request, (once, keep) =>
        replace(deps, once, caller, { ...request, organization }, keep),
      );
    });
}

async function replace(
  deps: ReissueCardDeps,
  trail: Trail,
  caller: Caller,
  request: Omit<ReissueCardRequest, 'organization'> & { organization: Organization },
  keep: KeepAnswer,
): Promise<IssuedCard> {
  const { organization } = request;
  const old = await findByReference(deps, organization, request.card, trail);
  await demandCard(deps.cards, old.record, request.sequence);
  const range = deps.directory.findBinRange(old.pan);
  if (range === undefined) throw new Refusal('PAN_OUTSIDE_BIN_RANGES');
  let races = 0;
  for (let draws = 0; draws < DRAW_LIMIT && races < RACE_LIMIT; draws++) {
    const state = await demandCurrent(deps.cards, old.record);
    const pan = drawPan(deps.random, range);
    const record = makeNumber(deps, organization, pan, old.record.lineage);
    const expiry = expiryAfterYears(record.createdAtMs, DEFAULT_VALIDITY_YEARS);
    const { cards, changes } = await moveCards(deps, old.record, record, pan, expiry);
    const card = cards.find(({ sequence }) => sequence === request.sequence);
    if (card === undefined) throw new Refusal('CARD_NOT_FOUND');
    const details = openDetails(deps.keyring, record, card);
    const shown = shownDetails(deps.directory, caller, organization.number, details);
    const answer = issuedCard(organization, record, card, shown, pan);
    trail.note({ token: record.token });
    const outcome = await trail.commit([
      ...keep(answer),
      addNumber(deps.keyring, record, pan),
      ...changes,
      ...(await addAccountChange(deps, {
        organization: organization.number,
        lineage: record.lineage,
        position: state.nextPosition,
        kind: 'replaced',
        numberId: old.record.id,
        newNumberId: record.id,
        effectiveAtMs: record.createdAtMs,
        recordedAtMs: record.createdAtMs,
      })),
    ]);
    const conflict = numberConflict(outcome, record);
    if (conflict === undefined) return answer;
    trail.note({ token: old.record.token });
    if (conflict === 'change_taken') races++;
  }
  throw new Refusal(races === RACE_LIMIT ? 'CARD_BUSY' : 'BIN_RANGE_EXHAUSTED');
}
