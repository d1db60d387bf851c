import { type Caller, demandOrganization, demandRight } from '../domain/caller.ts';
import type { Card, NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import { DEFAULT_VALIDITY_YEARS, expiryAfterYears } from '../domain/expiry.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Audited } from './audit-trail.ts';
import { demandCard, openDetails, sealDetails } from './card-details.ts';
import { type IssuedCard, issuedCard } from './create-card.ts';
import { drawPan } from './draw-pan.ts';
import {
  type CardReference,
  demandRecord,
  type FindNumberDeps,
  type FoundNumber,
  findByReference,
} from './find-number.ts';
import { demandCurrent } from './lineage.ts';
import { DRAW_LIMIT, type MakeNumberDeps, makeNumber, numberConflict } from './make-number.ts';
import type { Change } from './ports.ts';

export interface ReissueCardRequest {
  readonly organization: OrganizationNumber;
  readonly card: CardReference;
  readonly sequence: number;
}

export type ReissueCard = (
  caller: Caller,
  request: ReissueCardRequest,
  requestId: string,
) => Promise<IssuedCard>;

export type ReissueCardDeps = FindNumberDeps & MakeNumberDeps & { readonly audited: Audited };

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
      const old = await findByReference(deps, organization, request.card, trail);
      await demandCard(deps.cards, old.record, request.sequence);
      const range = deps.directory.findBinRange(old.pan);
      if (range === undefined) throw new Refusal('PAN_OUTSIDE_BIN_RANGES');
      for (let tries = 0; tries < DRAW_LIMIT; tries++) {
        const state = await demandCurrent(deps.cards, old.record);
        const pan = drawPan(deps.random, range);
        const record = makeNumber(deps, organization, pan, old.record.lineage);
        const { cards, changes } = await moveCards(deps, old, record);
        const outcome = await trail.commit([
          { kind: 'add_number', record },
          ...changes,
          {
            kind: 'add_account_change',
            change: {
              organization: organization.number,
              lineage: record.lineage,
              position: state.nextPosition,
              kind: 'replaced',
              numberId: old.record.id,
              newNumberId: record.id,
              recordedAtMs: record.createdAtMs,
            },
          },
        ]);
        if (numberConflict(outcome, record) !== undefined) continue;
        const card = cards.find(({ sequence }) => sequence === request.sequence);
        if (card === undefined) throw new Refusal('CARD_NOT_FOUND');
        return issuedCard(organization, record, card, openDetails(deps.keyring, record, card), pan);
      }
      throw new Refusal('BIN_RANGE_EXHAUSTED');
    });
}

/** The cards of the old number, made anew for the new one. */
async function moveCards(
  { cards, keyring, clock }: ReissueCardDeps,
  old: FoundNumber,
  record: NumberRecord,
): Promise<{ cards: Card[]; changes: Change[] }> {
  const nowMs = clock.nowMs();
  const expiry = expiryAfterYears(nowMs, DEFAULT_VALIDITY_YEARS);
  const moved = (await cards.listCards(old.record.organization, old.record.id)).map((card) => ({
    ...card,
    numberId: record.id,
    expiry,
    chipSequence: 1,
    sealedDetails: sealDetails(
      keyring,
      record,
      card.sequence,
      openDetails(keyring, old.record, card),
    ),
    createdAtMs: nowMs,
  }));
  return { cards: moved, changes: moved.map((card) => ({ kind: 'add_card', card })) };
}
