import type { AccountChange, LineageState } from '../domain/account-change.ts';
import type { BinRange } from '../domain/bin-range.ts';
import { type Caller, demandOrganization, demandRight } from '../domain/caller.ts';
import type { Card, CardDetails, NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import { DEFAULT_VALIDITY_YEARS, type Expiry, expiryAfterYears } from '../domain/expiry.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Pan } from '../domain/pan.ts';
import type { Audited, Trail } from './audit-trail.ts';
import { sealDetails, shownDetails } from './card-details.ts';
import { drawPan } from './draw-pan.ts';
import { demandRecord, type FindNumberDeps, lookUpNumber } from './find-number.ts';
import { demandCurrent } from './lineage.ts';
import {
  DRAW_LIMIT,
  type MakeNumberDeps,
  makeNumber,
  type NumberConflict,
  numberConflict,
} from './make-number.ts';

export interface CreateCardRequest {
  readonly organization: OrganizationNumber;
  /** Left out: a number never issued before is drawn in one of the organization's BIN ranges. */
  readonly pan?: Pan | undefined;
  readonly sequence: number;
  /** Left out: {@link DEFAULT_VALIDITY_YEARS} from now. */
  readonly expiry?: Expiry | undefined;
  readonly details: CardDetails;
}

/** A card that was made or changed, and what its callers may be shown instead of the number. */
export interface IssuedCard {
  readonly card: Card;
  readonly details: CardDetails;
  readonly token: string;
  /** What stands for the number: the token where PAN Token is on, the masked number where it is off. */
  readonly shownNumber: { readonly token: string } | { readonly masked: string };
}

export type CreateCard = (
  caller: Caller,
  request: CreateCardRequest,
  requestId: string,
) => Promise<IssuedCard>;

export type CreateCardDeps = FindNumberDeps & MakeNumberDeps & { readonly audited: Audited };

/**
 * Creates a card. A number that is new gets its PAN-TOKEN here, in the transaction of the card; a
 * number on record keeps the one it has and gets one more card.
 *
 * @throws {Refusal} `ORGANIZATION_NOT_FOUND`, `RIGHT_MISSING`, `ORGANIZATION_RECORD_MISSING`, `PAN_OUTSIDE_BIN_RANGES`,
 *   `PAN_LENGTH_NOT_SERVED`, `CARD_EXISTS`, `CARD_REPLACED`, `CARD_CLOSED`, `BIN_RANGE_EXHAUSTED`,
 *   `TOKENS_EXHAUSTED`, `CARD_BUSY`, `KEY_UNAVAILABLE`
 */
export function makeCreateCard(deps: CreateCardDeps): CreateCard {
  return (caller, request, requestId) =>
    deps.audited({ who: `caller:${caller.id}`, requestId }, 'create_card', async (trail) => {
      trail.note({ organization: request.organization });
      demandOrganization(caller, request.organization);
      demandRight(caller, 'issue');
      const organization = demandRecord(deps.directory, request.organization);
      let conflict: NumberConflict | undefined;
      for (let tries = 0; tries < DRAW_LIMIT; tries++) {
        const { pan, range } = choosePan(deps, organization, request.pan);
        trail.note({ maskedNumber: String(pan) });
        const known = await lookUpNumber(deps, organization.number, pan);
        if (known !== undefined && request.pan === undefined) continue; // Drawn before: draw again.
        const record = known?.record ?? makeNumber(deps, organization, pan);
        const card = makeCard(deps, record, range, request);
        const details = shownDetails(deps.directory, caller, record.organization, request.details);
        conflict = await commitCard(deps, trail, record, card, known !== undefined);
        if (conflict === undefined) return issuedCard(organization, record, card, details, pan);
        trail.note({ token: undefined });
      }
      if (conflict === 'change_taken') throw new Refusal('CARD_BUSY');
      throw new Refusal(conflict === 'token_taken' ? 'TOKENS_EXHAUSTED' : 'BIN_RANGE_EXHAUSTED');
    });
}

function choosePan(
  { directory, random }: CreateCardDeps,
  organization: Organization,
  given: Pan | undefined,
): { pan: Pan; range: BinRange } {
  if (given !== undefined) {
    const range = directory.findBinRange(given);
    if (range?.organization !== organization.number) throw new Refusal('PAN_OUTSIDE_BIN_RANGES');
    return { pan: given, range };
  }
  const ranges = directory.listBinRanges(organization.number);
  const range = ranges[ranges.length === 0 ? 0 : random.integerBelow(ranges.length)];
  if (range === undefined) throw new Refusal('BIN_RANGE_EXHAUSTED', { rangeCount: 0 });
  return { pan: drawPan(random, range), range };
}

function makeCard(
  { keyring, clock }: CreateCardDeps,
  record: NumberRecord,
  range: BinRange,
  { sequence, expiry, details }: CreateCardRequest,
): Card {
  const nowMs = clock.nowMs();
  return {
    organization: record.organization,
    numberId: record.id,
    sequence,
    logo: range.logo,
    expiry: expiry ?? expiryAfterYears(nowMs, DEFAULT_VALIDITY_YEARS),
    chipSequence: 1,
    sealedDetails: sealDetails(keyring, record, sequence, details),
    createdAtMs: nowMs,
  };
}

/**
 * A number that is new brings its lineage with it. One more card of a known number is an entry in the
 * log of its lineage: or the card could stay behind when the number is replaced at that moment.
 *
 * @returns what stood in the way, when another try is worth it.
 */
async function commitCard(
  deps: CreateCardDeps,
  trail: Trail,
  record: NumberRecord,
  card: Card,
  isKnown: boolean,
): Promise<NumberConflict | undefined> {
  const state = isKnown ? await demandCurrent(deps.cards, record) : undefined;
  trail.note({ token: record.token });
  const addCard = { kind: 'add_card', card } as const;
  const outcome = await trail.commit(
    state === undefined
      ? [{ kind: 'add_number', record }, addCard]
      : [addCard, { kind: 'add_account_change', change: cardAdded(record, card, state) }],
  );
  if (!outcome.committed && outcome.conflict === 'card_taken') throw new Refusal('CARD_EXISTS');
  return numberConflict(outcome, record);
}

function cardAdded(
  record: NumberRecord,
  card: Card,
  { nextPosition }: LineageState,
): AccountChange {
  return {
    organization: record.organization,
    lineage: record.lineage,
    position: nextPosition,
    kind: 'card_added',
    numberId: record.id,
    sequence: card.sequence,
    expiry: card.expiry,
    recordedAtMs: card.createdAtMs,
  };
}

/** What a caller is told of a card, by the switch of its organization. */
export function issuedCard(
  organization: Organization,
  record: NumberRecord,
  card: Card,
  details: CardDetails,
  pan: Pan,
): IssuedCard {
  const { token } = record;
  const shownNumber = organization.panTokenOn ? { token } : { masked: String(pan) };
  return { card, details, token, shownNumber };
}
