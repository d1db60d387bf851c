import type { AccountChange } from '../domain/account-change.ts';
import { expiryOf } from '../domain/account-change.ts';
import type { NumberInBrief, NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import { DEFAULT_VALIDITY_YEARS, type Expiry, expiryAfterYears } from '../domain/expiry.ts';
import type { Organization } from '../domain/organization.ts';
import type { Pan } from '../domain/pan.ts';
import { type FindNumberDeps, lookUpNumber } from './find-number.ts';
import {
  addAccountChange,
  demandCurrentAt,
  type LineageState,
  RECORDED,
  readLineage,
} from './lineage.ts';
import { addNumber, type MakeNumberDeps, makeNumber } from './make-number.ts';
import { moveCards } from './move-cards.ts';
import type { Change } from './ports.ts';
import { isNumberDeleted } from './refuse-deleted.ts';

export interface ReplacementRequest {
  readonly referenceIndex: Uint8Array;
  readonly newPan: Pan;
  /** Of the new card; left out: {@link DEFAULT_VALIDITY_YEARS} from now. */
  readonly newExpiry?: Expiry | undefined;
  readonly effectiveAtMs: number;
}

interface Replacement {
  readonly change: AccountChange;
  readonly changes: readonly Change[];
}

/**
 * What a number becomes when its issuer names the one that takes its place. A number that is new gets
 * its record and token here; one on record is joined, with all that became of it.
 *
 * @throws {Refusal} `CARD_REPLACED`, `CARD_CLOSED`, `PAN_OUTSIDE_BIN_RANGES`, `LINEAGE_LOOP`,
 *   `NEW_EXPIRY_DIFFERS`, `RECORD_DAMAGED`, those of making a number
 */
export async function planReplacement(
  deps: FindNumberDeps & MakeNumberDeps,
  organization: Organization,
  old: NumberRecord,
  request: ReplacementRequest,
): Promise<Replacement> {
  const { directory, cards, clock } = deps;
  const { newPan, newExpiry, referenceIndex, effectiveAtMs } = request;
  if (directory.findBinRange(newPan)?.organization !== organization.number) {
    throw new Refusal('PAN_OUTSIDE_BIN_RANGES');
  }
  const state = await demandCurrentAt(cards, old, effectiveAtMs);
  const recorded = await readLineage(cards, old, RECORDED);
  if (recorded.newestNumberId !== old.id) throw new Refusal('CARD_REPLACED');
  const entry = {
    organization: organization.number,
    lineage: old.lineage,
    position: state.nextPosition,
    kind: 'replaced',
    numberId: old.id,
    referenceIndex,
    effectiveAtMs,
    recordedAtMs: clock.nowMs(),
  } as const;
  const known = (await lookUpNumber(deps, organization.number, newPan))?.record;
  if (known === undefined) {
    if (await isNumberDeleted(deps, organization.number, newPan)) {
      throw new Refusal('NUMBER_DELETED');
    }
    const record = makeNumber(deps, organization, newPan, old.lineage);
    const expiry = newExpiry ?? expiryAfterYears(clock.nowMs(), DEFAULT_VALIDITY_YEARS);
    const { changes } = await moveCards(deps, old, record, newPan, expiry);
    const change: AccountChange = { ...entry, newNumberId: record.id };
    const added = await addAccountChange(deps, change);
    return { change, changes: [addNumber(deps.keyring, record, newPan), ...changes, ...added] };
  }
  const target = await readLineage(cards, known, RECORDED);
  if (target.newestNumberId === old.id) throw new Refusal('LINEAGE_LOOP');
  await demandExpiry(deps, known, newExpiry);
  return join(deps, entry, known, target);
}

/** @throws {Refusal} `NEW_EXPIRY_DIFFERS` */
async function demandExpiry(
  { cards }: FindNumberDeps,
  known: NumberInBrief,
  newExpiry: Expiry | undefined,
): Promise<void> {
  if (newExpiry === undefined) return;
  const { effective } = await readLineage(cards, known, RECORDED);
  const all = await cards.listCards(known.organization, known.id);
  if (all.length > 0 && !all.some((card) => expiryOf(card, effective) === newExpiry)) {
    throw new Refusal('NEW_EXPIRY_DIFFERS');
  }
}

/**
 * Both ends get an entry: the number that ends here, and the lineage it leads to in the end. Two
 * joins that together would make a loop are at odds over one of these positions, so that one of them
 * is refused, tries again and sees the other.
 */
async function join(
  deps: FindNumberDeps & MakeNumberDeps,
  entry: AccountChange,
  known: NumberInBrief,
  target: LineageState,
): Promise<Replacement> {
  if (target.newestLineage === entry.lineage) {
    // They went apart by a correction and come together again.
    const change = withLineage({ ...entry, newNumberId: known.id }, known);
    return { change, changes: await addAccountChange(deps, change) };
  }
  const change = withLineage({ ...entry, newNumberId: known.id }, known);
  const { referenceIndex: _, ...plain } = entry; // A reference names one entry.
  const joined: AccountChange = {
    ...plain,
    kind: 'joined',
    lineage: target.newestLineage,
    position: target.nextPosition,
    numberId: target.newestNumberId,
    otherLineage: entry.lineage,
  };
  const added = await addAccountChange(deps, change);
  return { change, changes: [...added, { kind: 'add_account_change', change: joined }] };
}

function withLineage(change: AccountChange, known: NumberInBrief): AccountChange {
  return known.lineage === change.lineage ? change : { ...change, otherLineage: known.lineage };
}
