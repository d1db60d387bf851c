import { type PanTokenErrorCode, refusalOf } from './error.ts';
import { permute } from './ff1-lane.ts';
import { type KeyedFormat, type Layout, layoutTableOf } from './format.ts';
import { TokenKey } from './key.ts';
import { type Keys, keysByMark } from './key-set.ts';
import { isPanText, PAN_LENGTH_MAX, PAN_LENGTH_MIN } from './pan.ts';
import { makePool } from './pool.ts';
import type { Recipe } from './recipe.ts';
import { markIn, NO_MARK } from './shape.ts';
import { enterSlots, leaveSlots, mustGoOn } from './slot.ts';
import type { Texts } from './texts.ts';
import {
  exchangeSlots,
  gather,
  type ManyResult,
  makeWindow,
  publish,
  REFUSED,
  WINDOW_SLOTS,
  WINDOW_TEXTS,
  type Window,
  wipe,
} from './window.ts';

/** Tells the texts of a window apart, by what is to be done with them. */
interface Sorter {
  /** The refusal of what is no ASCII string of 12 to 19 characters. */
  readonly malformed: PanTokenErrorCode;
  readonly groupCount: number;
  /** Gives the group of a text of 12 to 19 bytes, or a number of {@link REFUSED}. */
  groupOf(texts: Texts, start: number, length: number): number;
  recipeOf(group: number): Recipe;
}

const LENGTH_COUNT = PAN_LENGTH_MAX - PAN_LENGTH_MIN + 1;
const MARK_COUNT = 26;

/** The memory that one call works in. Not for callers, but for a test of it. */
export const windows = makePool(() => makeWindow(WINDOW_TEXTS, WINDOW_SLOTS));
export const singleWindows = makePool(() => makeWindow(1, 1));

/**
 * Gives the tokens of many PANs, in their order.
 *
 * @param pans not changed; of any lengths.
 * @returns for each PAN its token, or its refusal (`PAN_MALFORMED`, `PAN_LENGTH_NOT_SERVED`): one
 *   bad element does not spoil the others. Refusals of one code are one frozen object.
 * @throws {TypeError} if `format` or `key` was not made by this package, or `pans` is no array.
 */
export function tokenizeMany(
  format: KeyedFormat,
  key: TokenKey,
  pans: readonly string[],
): ManyResult[] {
  const layouts = layoutTableOf(format);
  TokenKey.check(key);
  if (!Array.isArray(pans)) throw new TypeError('pans must be an array');
  return runMany(pans, {
    malformed: 'PAN_MALFORMED',
    groupCount: LENGTH_COUNT,
    groupOf(texts, start, length) {
      if (!isPanText(texts, start, length)) return REFUSED.PAN_MALFORMED;
      if (layouts[length] === undefined) return REFUSED.PAN_LENGTH_NOT_SERVED;
      return length - PAN_LENGTH_MIN;
    },
    recipeOf: (group) => TokenKey.makingOf(key, layouts[group + PAN_LENGTH_MIN] as Layout),
  });
}

/**
 * Gives the PANs behind many tokens, in their order.
 *
 * @param tokens not changed; of any lengths and any of the living epochs.
 * @returns for each token its PAN, or its refusal (`TOKEN_MALFORMED`, `TOKEN_EPOCH_UNKNOWN`,
 *   `TOKEN_NOT_OURS`): one bad element does not spoil the others. Refusals of one code are one
 *   frozen object.
 * @throws {PanTokenError} `EPOCH_MARK_SHARED`
 * @throws {TypeError} if `format` or `keys` was not made by this package, or `tokens` is no array.
 */
export function detokenizeMany(
  format: KeyedFormat,
  keys: Keys,
  tokens: readonly string[],
): ManyResult[] {
  const layouts = layoutTableOf(format);
  const byMark = keysByMark(keys, format.alphabet);
  if (!Array.isArray(tokens)) throw new TypeError('tokens must be an array');
  return runMany(tokens, {
    malformed: 'TOKEN_MALFORMED',
    groupCount: LENGTH_COUNT * MARK_COUNT,
    groupOf(texts, start, length) {
      const layout = layouts[length];
      const mark = layout === undefined ? NO_MARK : markIn(layout, texts, start);
      if (mark === NO_MARK) return REFUSED.TOKEN_MALFORMED;
      if (byMark[mark] === undefined) return REFUSED.TOKEN_EPOCH_UNKNOWN;
      return (length - PAN_LENGTH_MIN) * MARK_COUNT + mark;
    },
    recipeOf(group) {
      const layout = layouts[Math.floor(group / MARK_COUNT) + PAN_LENGTH_MIN] as Layout;
      return TokenKey.openingOf(byMark[group % MARK_COUNT] as TokenKey, layout);
    },
  });
}

function runMany(list: readonly unknown[], sorter: Sorter): ManyResult[] {
  const { length } = list;
  const results = new Array<ManyResult>(length);
  const pool = length === 1 ? singleWindows : windows;
  const window = pool.take();
  try {
    for (let from = 0; from < length; from += window.textCount) {
      runWindow(window, list, from, Math.min(from + window.textCount, length), results, sorter);
    }
  } finally {
    wipe(window, Math.min(length, window.textCount));
    pool.giveBack(window);
  }
  return results;
}

function runWindow(
  window: Window,
  list: readonly unknown[],
  from: number,
  to: number,
  results: ManyResult[],
  sorter: Sorter,
): void {
  const count = gather(window, list, from, to, results, refusalOf(sorter.malformed));
  const ends = sort(window, count, sorter);
  let next = 0;
  for (let group = 0; group < sorter.groupCount; group++) {
    const end = ends[group] as number;
    if (end > next) runGroup(window, sorter.recipeOf(group), next, end);
    next = end;
  }
  publish(window, count, results);
}

/**
 * Finds the group of each text and puts the texts in the order of their groups.
 *
 * @returns for each group where it ends in the window's order; it begins where the last one ends.
 */
function sort(
  { texts, start, group, order }: Window,
  count: number,
  { groupOf, groupCount }: Sorter,
): Int32Array {
  const ends = new Int32Array(groupCount + 1);
  for (let at = 0; at < count; at++) {
    const from = start[at] as number;
    const found = groupOf(texts, from, (start[at + 1] as number) - from);
    group[at] = found;
    if (found >= 0) ends[found + 1] = (ends[found + 1] as number) + 1;
  }
  for (let at = 1; at < groupCount; at++) {
    ends[at] = (ends[at] as number) + (ends[at - 1] as number);
  }
  for (let at = 0; at < count; at++) {
    const found = group[at] as number;
    if (found < 0) continue;
    const to = ends[found] as number;
    order[to] = at;
    ends[found] = to + 1;
  }
  return ends;
}

/**
 * Sends the texts of one group through the lane. Slots whose texts are done are given to the next
 * ones after each pass, so that walks of different lengths keep the lane full.
 */
function runGroup(window: Window, recipe: Recipe, from: number, to: number): void {
  const { lane, textOfSlot, order } = window;
  let active = 0;
  let next = from;
  while (active > 0 || next < to) {
    const entering = Math.min(lane.capacity - active, to - next);
    for (let count = 0; count < entering; count++) {
      textOfSlot[active + count] = order[next + count] as number;
    }
    enterSlots(recipe, window, active, active + entering);
    next += entering;
    active += entering;
    permute(lane, recipe.plan, recipe.aes, active, recipe.direction);
    const goingOn = recipe.repeats ? putGoingOnFirst(window, recipe, active) : 0;
    leaveSlots(recipe, window, goingOn, active);
    active = goingOn;
  }
}

/** Puts the slots that must go on before those that have ended, and counts them. */
function putGoingOnFirst(window: Window, recipe: Recipe, active: number): number {
  let goingOn = active;
  for (let slot = active - 1; slot >= 0; slot--) {
    if (mustGoOn(recipe, window, slot)) continue;
    goingOn--;
    if (slot < goingOn) exchangeSlots(window, goingOn, slot);
  }
  return goingOn;
}
