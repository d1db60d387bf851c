/**
 * The part of a long list that is worked on at once. Its texts lie one after the other in one
 * buffer, since reading and writing strings one by one would take longer than encrypting them.
 */

import { type PanTokenError, type PanTokenErrorCode, refusalOf } from './error.ts';
import { exchangeInLane, type Lane, makeLane, wipeLane } from './ff1-lane.ts';
import { hasPanLength, PAN_LENGTH_MAX } from './pan.ts';
import { makeTexts, type Texts } from './texts.ts';

/** Texts in a window: enough to keep a lane full while walks end, few enough for the L2 cache. */
export const WINDOW_TEXTS = 8_192;

/** Slots in a lane: more would not make AES faster, and take longer to fall into the cache. */
export const WINDOW_SLOTS = 4_096;

/**
 * Bytes beyond the longest texts. A write of text that is not ASCII is cut off at the end of the
 * buffer, before the character (of at most four bytes) that no longer fits: with this room it still
 * writes more bytes than ASCII would, which gives it away.
 */
const ROOM = 4;

/** How many results share one string underneath, and so live as long as the longest of them. */
const RESULTS_TOGETHER = 128;

/** What stands in {@link Window.group} for a text that was refused, by code. */
export const REFUSED = {
  PAN_MALFORMED: -1,
  PAN_LENGTH_NOT_SERVED: -2,
  TOKEN_MALFORMED: -3,
  TOKEN_EPOCH_UNKNOWN: -4,
  TOKEN_NOT_OURS: -5,
} as const satisfies Partial<Record<PanTokenErrorCode, number>>;

const CODE_OF_REFUSED = Object.keys(REFUSED) as (keyof typeof REFUSED)[];

/** A result of the many-forms: the token or the PAN, or the refusal of this element. */
export type ManyResult = string | PanTokenError;

const SYMBOLS_ONLY = /^[0-9A-Z]*$/;

export interface Window {
  /** How many texts it holds. */
  readonly textCount: number;
  readonly texts: Texts;
  /** By text: its place in the list, where it starts in `texts` (and where the next one does). */
  readonly place: Int32Array;
  readonly start: Int32Array;
  /** By text: which texts go through FF1 together, or a number of {@link REFUSED}. */
  readonly group: Int16Array;
  /** Texts in the order of their groups. */
  readonly order: Int32Array;
  readonly lane: Lane;
  /** By slot: the text in it, where its walk began, and how often FF1 ran on it so far. */
  readonly textOfSlot: Int32Array;
  readonly startSum: Uint8Array;
  readonly calls: Uint16Array;
}

export function makeWindow(textCount: number, slotCount: number): Window {
  return {
    textCount,
    texts: makeTexts(textCount * PAN_LENGTH_MAX + ROOM),
    place: new Int32Array(textCount),
    start: new Int32Array(textCount + 1),
    group: new Int16Array(textCount),
    order: new Int32Array(textCount),
    lane: makeLane(slotCount),
    textOfSlot: new Int32Array(slotCount),
    startSum: new Uint8Array(slotCount),
    calls: new Uint16Array(slotCount),
  };
}

/**
 * Takes a part of a list into the window.
 *
 * @param results gets the refusal of each element that is no ASCII string of 12 to 19 characters.
 * @returns how many texts are in the window now.
 */
export function gather(
  window: Window,
  list: readonly unknown[],
  from: number,
  to: number,
  results: ManyResult[],
  refusal: PanTokenError,
): number {
  const { place, start, texts } = window;
  let joined = '';
  let count = 0;
  for (let at = from; at < to; at++) {
    const element = list[at]; // Read once: a getter may give something else the next time.
    if (hasPanLength(element)) {
      place[count] = at;
      start[count] = joined.length;
      count++;
      joined += element;
    } else {
      results[at] = refusal;
    }
  }
  start[count] = joined.length;
  const written = texts.codes.write(joined);
  return written === joined.length ? count : gatherAscii(window, joined, count, results, refusal);
}

/** Leaves out the texts that are not ASCII: one of their characters takes UTF-8 several bytes. */
function gatherAscii(
  { place, start, texts }: Window,
  joined: string,
  count: number,
  results: ManyResult[],
  refusal: PanTokenError,
): number {
  let kept = 0;
  let size = 0;
  texts.codes.fill(0); // What was written is longer than what will be wiped.
  for (let at = 0; at < count; at++) {
    const text = joined.slice(start[at], start[at + 1]);
    const to = place[at] as number;
    if (SYMBOLS_ONLY.test(text)) {
      place[kept] = to;
      start[kept] = size;
      size += texts.codes.write(text, size);
      kept++;
    } else {
      results[to] = refusal;
    }
  }
  start[kept] = size;
  return kept;
}

/**
 * Puts the texts that were not refused into the results, as strings.
 *
 * Pieces of one long string cost a tenth of strings of their own. They keep the long string alive,
 * so it is kept short.
 */
export function publish(window: Window, count: number, results: ManyResult[]): void {
  const { place, start, group } = window;
  const { codes } = window.texts;
  for (let first = 0; first < count; first += RESULTS_TOGETHER) {
    const end = Math.min(first + RESULTS_TOGETHER, count);
    const base = start[first] as number;
    const joined = codes.toString('latin1', base, start[end]);
    for (let at = first; at < end; at++) {
      const to = place[at] as number;
      const found = group[at] as number;
      if (found < 0) {
        results[to] = refusalOf(CODE_OF_REFUSED[-1 - found] as PanTokenErrorCode);
        continue;
      }
      const from = (start[at] as number) - base;
      results[to] = joined.slice(from, (start[at + 1] as number) - base);
    }
  }
}

/**
 * Moves the content of a slot into one that ended, and what the ended one has still to write into
 * its text the other way.
 */
export function exchangeSlots(window: Window, from: number, ended: number): void {
  const { lane, textOfSlot, startSum, calls } = window;
  startSum[ended] = startSum[from] as number;
  calls[ended] = calls[from] as number;
  const text = textOfSlot[ended] as number;
  textOfSlot[ended] = textOfSlot[from] as number;
  textOfSlot[from] = text;
  exchangeInLane(lane, from, ended);
}

/**
 * Wipes what texts left in the memory of a window.
 *
 * @param count how many texts there were at most.
 */
export function wipe({ texts, lane }: Window, count: number): void {
  texts.codes.fill(0, 0, count * PAN_LENGTH_MAX);
  wipeLane(lane, Math.min(count, lane.capacity));
}
