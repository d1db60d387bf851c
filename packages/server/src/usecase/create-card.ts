import assert from 'node:assert/strict';
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
import { DRAW_LIMIT, type MakeNumberDeps, makeNumber, numberConflict } from './make-number.ts';

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
 *   `TOKENS_EXHAUSTED`, `KEY_UNAVAILABLE`
 */
export function makeCreateCard(deps: CreateCardDeps): CreateCard {
  return (caller, request, requestId) =>
    deps.audited({ who: `caller:${caller.id}`, requestId }, 'create_card', async (trail) => {
      trail.note({ organization: request.organization });
      demandOrganization(caller, request.organization);
      demandRight(caller, 'issue');
      const organization = demandRecord(deps.directory, request.organization);
      for (let tries = 0; tries < DRAW_LIMIT; tries++) {
        const { pan, range } = choosePan(deps, organization, request.pan);
        trail.note({ maskedNumber: String(pan) });
        const known = await lookUpNumber(deps, organization.number, pan);
        if (known !== undefined && request.pan === undefined) continue; // Drawn before: draw again.
        const record = known?.record ?? makeNumber(deps, organization, pan);
        const card = makeCard(deps, record, range, request);
        const details = shownDetails(deps.directory, caller, record.organization, request.details);
        if (await commitCard(deps, trail, record, card, known !== undefined)) {
          return issuedCard(organization, record, card, details, pan);
        }
        trail.note({ token: undefined });
      }
      throw new Refusal(request.pan === undefined ? 'BIN_RANGE_EXHAUSTED' : 'TOKENS_EXHAUSTED');
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

/** @returns false when another number or token has to be tried. */
async function commitCard(
  deps: CreateCardDeps,
  trail: Trail,
  record: NumberRecord,
  card: Card,
  isKnown: boolean,
): Promise<boolean> {
  if (isKnown) await demandCurrent(deps.cards, record);
  trail.note({ token: record.token });
  const addCard = { kind: 'add_card', card } as const;
  const outcome = await trail.commit(
    isKnown ? [addCard] : [{ kind: 'add_number', record }, addCard],
  );
  if (!outcome.committed && outcome.conflict === 'card_taken') throw new Refusal('CARD_EXISTS');
  const conflict = numberConflict(outcome, record);
  assert(conflict !== 'change_taken', 'creating a card changes no lineage');
  return conflict === undefined;
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
