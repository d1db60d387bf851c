import {
  type AccountChange,
  effectiveChanges,
  followNumber,
  type LineageStep,
} from '../domain/account-change.ts';
import type { NumberInBrief } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { CardStore, Change } from './ports.ts';

/** How often a change is tried again when somebody else changed the same card first. */
export const RACE_LIMIT = 5;

/** A card that went through more joined lineages than this has not been followed by a person either. */
const LINEAGES_MAX = 32;

/** The recorded view: every change, whenever it takes effect. What may be written goes by it. */
export const RECORDED = Number.POSITIVE_INFINITY;

/** Where a number leads to at some moment, through any number of replacements. */
export interface LineageState extends Omit<LineageStep, 'next'> {
  /** The lineage of the newest number. */
  readonly newestLineage: RecordId;
  /** The position the next change of that lineage will have. */
  readonly nextPosition: number;
  /** The changes of that lineage that hold. */
  readonly effective: readonly AccountChange[];
}

/**
 * Where a number stands.
 *
 * @param atMs the moment to look at, or {@link RECORDED}.
 */
export async function readLineage(
  cards: CardStore,
  record: Pick<NumberInBrief, 'organization' | 'id' | 'lineage'>,
  atMs: number,
): Promise<LineageState> {
  let place = { numberId: record.id, lineage: record.lineage };
  let closed = false;
  let contactCardholder = false;
  let optedOut = false;
  const stoppedMerchants = new Set<string>();
  for (let count = 0; count < LINEAGES_MAX; count++) {
    const changes = await cards.listChanges(record.organization, place.lineage);
    const effective = effectiveChanges(changes, atMs);
    const step = followNumber(place.numberId, effective);
    closed ||= step.closed;
    contactCardholder ||= step.contactCardholder;
    optedOut ||= step.optedOut;
    for (const merchantId of step.stoppedMerchants) stoppedMerchants.add(merchantId);
    if (step.next === undefined) {
      return {
        newestNumberId: step.newestNumberId,
        newestLineage: place.lineage,
        nextPosition: (changes.at(-1)?.position ?? 0) + 1,
        ...{ closed, contactCardholder, optedOut, stoppedMerchants, effective },
      };
    }
    place = step.next;
  }
  throw new Refusal('RECORD_DAMAGED', { lineageCount: LINEAGES_MAX });
}

/**
 * The lineage of a number that may still be issued on.
 *
 * @throws {Refusal} `CARD_REPLACED` by a newer number, `CARD_CLOSED`; what is recorded for a day to
 *   come counts, too
 */
export async function demandCurrent(
  cards: CardStore,
  record: NumberInBrief,
): Promise<LineageState> {
  return demandCurrentAt(cards, record, RECORDED);
}

/**
 * The lineage of a number on the day something is to happen to it.
 *
 * @throws {Refusal} `CARD_REPLACED`, `CARD_CLOSED` by then
 */
export async function demandCurrentAt(
  cards: CardStore,
  record: NumberInBrief,
  atMs: number,
): Promise<LineageState> {
  const state = await readLineage(cards, record, atMs);
  if (state.newestNumberId !== record.id) throw new Refusal('CARD_REPLACED');
  if (state.closed) throw new Refusal('CARD_CLOSED');
  return state;
}

/**
 * The changes that add an entry to the log of a lineage, and that make each who watches a number of
 * it, or of one that leads there, be told: in one transaction, so that neither is there without the
 * other.
 *
 * What comes later in a log is told later, however far the clocks of two nodes are apart.
 */
export async function addAccountChange(
  { cards }: { readonly cards: CardStore },
  change: AccountChange,
): Promise<Change[]> {
  const { organization, lineage, position, effectiveAtMs, recordedAtMs } = change;
  const number = await cards.findNumber(organization, change.numberId);
  if (number === undefined) throw new Refusal('RECORD_DAMAGED', { recordId: change.numberId });
  const { lineages, recordedLastMs } = await readFeeders(cards, organization, lineage);
  const dueAtMs = Math.max(effectiveAtMs, recordedAtMs, recordedLastMs);
  const fed = { organization, lineage, position, dueAtMs };
  const { panIndex: numberIndex } = number;
  return [
    { kind: 'add_account_change', change },
    { kind: 'feed_change', change: fed, lineages, numberIndex },
  ];
}

/** The lineages that lead into one, itself first: whoever watches a number of any of them is told. */
export async function listFeeders(
  cards: CardStore,
  organization: OrganizationNumber,
  lineage: RecordId,
): Promise<readonly RecordId[]> {
  return (await readFeeders(cards, organization, lineage)).lineages;
}

/** The lineages that lead into one, itself first, and when the last of their changes was recorded. */
async function readFeeders(
  cards: CardStore,
  organization: OrganizationNumber,
  lineage: RecordId,
): Promise<{ readonly lineages: readonly RecordId[]; readonly recordedLastMs: number }> {
  const lineages = [lineage];
  let recordedLastMs = 0;
  for (let index = 0; index < lineages.length && lineages.length < LINEAGES_MAX; index++) {
    const changes = await cards.listChanges(organization, lineages[index] ?? lineage);
    for (const { kind, otherLineage, recordedAtMs } of changes) {
      recordedLastMs = Math.max(recordedLastMs, recordedAtMs);
      if (kind === 'joined' && otherLineage && !lineages.includes(otherLineage)) {
        lineages.push(otherLineage);
      }
    }
  }
  return { lineages, recordedLastMs };
}
