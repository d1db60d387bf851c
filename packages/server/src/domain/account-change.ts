import type { Card } from './card.ts';
import type { Expiry } from './expiry.ts';
import type { OrganizationNumber } from './organization-number.ts';
import type { RecordId } from './record-id.ts';

/** What can become of a card after it was made. */
export const ACCOUNT_CHANGE_KINDS = [
  'replaced', // by another number
  'renewed', // same number, new expiry
  'closed',
  'contact_cardholder',
  'opted_out', // nobody is told anything of the card
  'opted_in', // ends that
  'stop_advice', // one merchant is told nothing
  'correction', // undoes an earlier change, as if it had never been sent
] as const;

/** Bookkeeping: no merchant is told of it, but whoever changes a lineage must not miss it. */
const BOOKKEEPING_KINDS = [
  'joined', // another lineage was replaced by a number of this one
  'plastic', // a card or one more plastic was made on a number that was on record
  'deleted', // the number and its cards were deleted after their time
] as const;

export type AccountChangeKind =
  | (typeof ACCOUNT_CHANGE_KINDS)[number]
  | (typeof BOOKKEEPING_KINDS)[number];

/** Kinds that say nothing of a card by themselves. */
const NO_FACTS: readonly AccountChangeKind[] = ['correction', ...BOOKKEEPING_KINDS];

/** One entry of the log of a lineage. Entries are only ever added. */
export interface AccountChange {
  readonly organization: OrganizationNumber;
  readonly lineage: RecordId;
  /** 1 for the first change of the lineage; unique, so that two writers cannot both be next. */
  readonly position: number;
  readonly kind: AccountChangeKind;
  /** The number it is about: the newest one on the day the change takes effect. */
  readonly numberId: RecordId;
  /** `replaced`: the number that took its place. */
  readonly newNumberId?: RecordId;
  /** `replaced`: where that number belongs to a lineage of its own. `joined`: the one that came. */
  readonly otherLineage?: RecordId;
  /** `renewed`, `plastic`: the sequence of the card. */
  readonly sequence?: number;
  /** `renewed`: the expiry from then on. */
  readonly expiry?: Expiry;
  /** `stop_advice`: the merchant. */
  readonly merchantId?: string;
  /** `correction`: the position of the change of this lineage that it undoes. */
  readonly corrects?: number;
  /** A keyed digest of what the sender calls the change, 32 bytes; once in an organization. */
  readonly referenceIndex?: Uint8Array;
  /** From when on it holds, milliseconds since 1970 UTC; often the moment it was recorded. */
  readonly effectiveAtMs: number;
  readonly recordedAtMs: number;
}

/** What a log says of one number and of those that came after it in the same lineage. */
export interface LineageStep {
  /** The last number of the lineage that the number leads to; itself where it was not replaced. */
  readonly newestNumberId: RecordId;
  /** Where that one was replaced by a number of another lineage. */
  readonly next: { readonly numberId: RecordId; readonly lineage: RecordId } | undefined;
  readonly closed: boolean;
  readonly contactCardholder: boolean;
  readonly optedOut: boolean;
  /** The merchants that are told nothing. */
  readonly stoppedMerchants: ReadonlySet<string>;
}

/**
 * The changes that hold, in the order they took effect. What was corrected never was.
 *
 * @param changes the log of a lineage.
 * @param atMs a moment, milliseconds since 1970 UTC; a change holds from its effective moment on,
 *   that moment included. `Infinity`: all that is recorded, for the future too.
 */
export function effectiveChanges(
  changes: readonly AccountChange[],
  atMs: number,
): readonly AccountChange[] {
  if (changes.length === 0) return changes; // As of most cards, whenever one of them is asked about.
  const corrected = new Set(changes.map(({ corrects }) => corrects));
  return changes
    .filter(({ kind, position, effectiveAtMs }) => {
      return !NO_FACTS.includes(kind) && !corrected.has(position) && effectiveAtMs <= atMs;
    })
    .sort((a, b) => a.effectiveAtMs - b.effectiveAtMs || a.position - b.position);
}

/**
 * Follows a number through the log of its lineage. A new number or expiry ends a request to contact
 * the cardholder; opting out and stop advice concern the cardholder and hold for the whole lineage.
 *
 * @param effective from {@link effectiveChanges}.
 */
export function followNumber(numberId: RecordId, effective: readonly AccountChange[]): LineageStep {
  const path = new Set([numberId]);
  let newestNumberId = numberId;
  let next: LineageStep['next'];
  for (;;) {
    const change = effective.findLast(
      (each) => each.kind === 'replaced' && each.numberId === newestNumberId,
    );
    const { newNumberId, otherLineage } = change ?? {};
    if (newNumberId === undefined || path.has(newNumberId)) break; // Loops are refused, and end here.
    if (otherLineage !== undefined) {
      next = { numberId: newNumberId, lineage: otherLineage };
      break;
    }
    newestNumberId = newNumberId;
    path.add(newNumberId);
  }
  return { newestNumberId, next, ...flagsOf(path, effective) };
}

function flagsOf(path: ReadonlySet<RecordId>, effective: readonly AccountChange[]) {
  let closed = false;
  let contactCardholder = false;
  let optedOut = false;
  const stoppedMerchants = new Set<string>();
  for (const { kind, numberId, merchantId } of effective) {
    const isOnPath = path.has(numberId);
    if (kind === 'opted_out') optedOut = true;
    else if (kind === 'opted_in') optedOut = false;
    else if (kind === 'stop_advice' && merchantId !== undefined) stoppedMerchants.add(merchantId);
    else if (kind === 'closed') closed ||= isOnPath;
    else if (isOnPath) contactCardholder = kind === 'contact_cardholder';
  }
  return { closed, contactCardholder, optedOut, stoppedMerchants };
}

/**
 * When a card expires: as it was issued, or as it was last renewed.
 *
 * @param effective from {@link effectiveChanges}, of the lineage of its number.
 */
export function expiryOf(
  card: Pick<Card, 'numberId' | 'sequence' | 'expiry'>,
  effective: readonly AccountChange[],
): Expiry {
  const renewal = effective.findLast(
    ({ kind, numberId, sequence }) =>
      kind === 'renewed' && numberId === card.numberId && sequence === card.sequence,
  );
  return renewal?.expiry ?? card.expiry;
}
