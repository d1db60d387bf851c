import assert from 'node:assert/strict';
import type { BinRange } from '../domain/bin-range.ts';
import { type Caller, demandOrganization, demandRight } from '../domain/caller.ts';
import type { Card, CardDetails, NumberInBrief, NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import {
  DEFAULT_VALIDITY_YEARS,
  demandPlausible,
  type Expiry,
  expiryAfterYears,
} from '../domain/expiry.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Pan } from '../domain/pan.ts';
import { keptDigits } from '../domain/token-format.ts';
import {
  type AnswerOnceDeps,
  answerOnce,
  type KeepAnswer,
  type Repeatable,
} from './answer-once.ts';
import type { Audited, Trail } from './audit-trail.ts';
import { sealDetails, shownDetails } from './card-details.ts';
import { drawPan } from './draw-pan.ts';
import { demandRecord, type FindNumberDeps, lookUpNumber } from './find-number.ts';
import { addAccountChange, demandCurrent } from './lineage.ts';
import {
  addNumber,
  DRAW_LIMIT,
  type MakeNumberDeps,
  makeNumber,
  type NumberConflict,
  numberConflict,
} from './make-number.ts';
import type { Change } from './ports.ts';
import { isNumberDeleted } from './refuse-deleted.ts';

export interface CreateCardRequest {
  readonly organization: OrganizationNumber;
  /** Left out: a number never issued before is drawn in one of the organization's BIN ranges. */
  readonly pan?: Pan | undefined;
  readonly sequence: number;
  /** Left out: {@link DEFAULT_VALIDITY_YEARS} from now. */
  readonly expiry?: Expiry | undefined;
  readonly details: CardDetails;
  /** Given: the same request, sent again, gets the same answer and makes nothing more. */
  readonly repeatable?: Repeatable | undefined;
}

/** A card that was made or changed, and what its callers may be shown instead of the number. */
export interface IssuedCard {
  readonly card: Omit<Card, 'sealedDetails'>;
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

export type CreateCardDeps = FindNumberDeps &
  MakeNumberDeps &
  AnswerOnceDeps & { readonly audited: Audited };

/**
 * Creates a card. A number that is new gets its PAN-TOKEN here, in the transaction of the card; a
 * number on record keeps the one it has and gets one more card.
 *
 * @throws {Refusal} `ORGANIZATION_NOT_FOUND`, `RIGHT_MISSING`, `ORGANIZATION_RECORD_MISSING`, `PAN_OUTSIDE_BIN_RANGES`,
 *   `PAN_LENGTH_NOT_SERVED`, `NUMBER_DELETED`, `CARD_EXISTS`, `CARD_REPLACED`, `CARD_CLOSED`, `BIN_RANGE_EXHAUSTED`,
 *   `TOKENS_EXHAUSTED`, `CARD_BUSY`, `KEY_UNAVAILABLE`, `IDEMPOTENCY_KEY_REUSED`
 */
export function makeCreateCard(deps: CreateCardDeps): CreateCard {
  return (caller, request, requestId) =>
    deps.audited({ who: `caller:${caller.id}`, requestId }, 'create_card', async (trail) => {
      trail.note({ organization: request.organization });
      demandOrganization(caller, request.organization);
      demandRight(caller, 'issue');
      const organization = demandRecord(deps.directory, request.organization);
      // A number we draw tells nothing about one that is guessed: only given ones count.
      if (request.pan !== undefined) {
        const { length } = request.pan;
        trail.spend(request.pan.reveal(), keptDigits(organization.formats, length));
      }
      return answerOnce(deps, trail, caller, request, (once, keep) =>
        issue(deps, once, caller, { ...request, organization }, keep),
      );
    });
}

async function issue(
  deps: CreateCardDeps,
  trail: Trail,
  caller: Caller,
  request: Omit<CreateCardRequest, 'organization'> & { organization: Organization },
  keep: KeepAnswer,
): Promise<IssuedCard> {
  const { organization } = request;
  let conflict: NumberConflict | undefined;
  for (let tries = 0; tries < DRAW_LIMIT; tries++) {
    const { pan, range } = choosePan(deps, organization, request.pan);
    trail.note({ number: pan });
    const known = await lookUpNumber(deps, organization.number, pan);
    if (known !== undefined && request.pan === undefined) continue; // Drawn before: draw again.
    if (known?.record.bait) trail.tripBait();
    const made = known === undefined ? makeNumber(deps, organization, pan) : undefined;
    const record = made ?? known?.record;
    assert(record, 'a number is known or made');
    const card = makeCard(deps, record, pan, range, request);
    const details = shownDetails(deps.directory, caller, record.organization, request.details);
    const answer = issuedCard(organization, record, card, details, pan);
    const changes =
      made === undefined
        ? await claimLineage(deps, record, card)
        : [addNumber(deps.keyring, made, pan)];
    trail.note({ token: record.token });
    conflict = await commitCard(trail, made, card, [...keep(answer), ...changes]);
    if (conflict === undefined) return answer;
    trail.note({ token: undefined });
    if (conflict === 'name_deleted') await demandNotDeleted(deps, organization, request.pan);
  }
  if (conflict === 'change_taken') throw new Refusal('CARD_BUSY');
  throw new Refusal(conflict === 'token_taken' ? 'TOKENS_EXHAUSTED' : 'BIN_RANGE_EXHAUSTED');
}

/** A number that was drawn is drawn again, and so is a random token. @throws {Refusal} `NUMBER_DELETED` */
async function demandNotDeleted(
  deps: CreateCardDeps,
  { number, formats }: Organization,
  given: Pan | undefined,
): Promise<void> {
  if (given === undefined) return;
  const format = formats.find(({ panLengths }) => panLengths.includes(given.length));
  const isDeleted = await isNumberDeleted(deps, number, given);
  if (isDeleted || format?.engine === 'keyed') throw new Refusal('NUMBER_DELETED');
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
  record: NumberInBrief,
  pan: Pan,
  range: BinRange,
  { sequence, expiry, details }: Omit<CreateCardRequest, 'organization'>,
): Card {
  const nowMs = clock.nowMs();
  if (expiry !== undefined) demandPlausible(expiry, nowMs);
  return {
    organization: record.organization,
    numberId: record.id,
    sequence,
    logo: range.logo,
    expiry: expiry ?? expiryAfterYears(nowMs, DEFAULT_VALIDITY_YEARS),
    chipSequence: 1,
    sealedDetails: sealDetails(keyring, record, sequence, details, pan),
    createdAtMs: nowMs,
  };
}

/**
 * A number on record may be replaced at this very moment, and all of its cards with it: whoever comes
 * second must see the other.
 *
 * @throws {Refusal} `CARD_REPLACED`, `CARD_CLOSED`
 */
async function claimLineage(
  deps: CreateCardDeps,
  record: NumberInBrief,
  card: Card,
): Promise<Change[]> {
  const { nextPosition } = await demandCurrent(deps.cards, record);
  return addAccountChange(deps, {
    organization: record.organization,
    lineage: record.lineage,
    position: nextPosition,
    kind: 'plastic',
    numberId: record.id,
    sequence: card.sequence,
    effectiveAtMs: card.createdAtMs,
    recordedAtMs: card.createdAtMs,
  });
}

/**
 * @param made the number that is added with the card, where it is new.
 * @returns what stood in the way, when another try is worth it.
 */
async function commitCard(
  trail: Trail,
  made: NumberRecord | undefined,
  card: Card,
  changes: readonly Change[],
): Promise<NumberConflict | undefined> {
  const outcome = await trail.commit([...changes, { kind: 'add_card', card }]);
  if (!outcome.committed && outcome.conflict === 'card_taken') throw new Refusal('CARD_EXISTS');
  return numberConflict(outcome, made);
}

/** What a caller is told of a card, by the switch of its organization. */
export function issuedCard(
  organization: Organization,
  record: NumberInBrief,
  card: Card,
  details: CardDetails,
  pan: Pan,
): IssuedCard {
  const { token } = record;
  const shownNumber = organization.panTokenOn ? { token } : { masked: String(pan) };
  return { card, details, token, shownNumber };
}
