/**
 * The way of PANs and tokens through the slots of a lane: in, again if one must walk, out.
 *
 * Texts are changed in place: a token is as long as its PAN.
 *
 * @see docs/pan-token-format.md, "Making and opening"
 */

import type { Lane } from './ff1-lane.ts';
import { inverseBelow } from './ff1-plan.ts';
import { completeTo, doubledDigit } from './luhn.ts';
import { ANY_RESIDUE, NO_LETTER, type Recipe } from './recipe.ts';
import { CODE_OF_0, CODE_OF_VALUE, VALUE_OF_CODE } from './symbols.ts';
import { countCall } from './walk.ts';
import { REFUSED, type Window } from './window.ts';

/** The pairs of symbols of a radix: the two numerals below `square` written at once. */
interface Pairs {
  readonly square: number;
  readonly inverse: number;
  /** By number, 0 to square - 1: the ASCII codes of its two symbols, the first one times 256. */
  readonly codesOfPair: Uint16Array;
}

const PAIRS_10 = pairsOf(10);
const PAIRS_36 = pairsOf(36);

/** By three digits as a number: what they add to the residue in front, and at the end, of six. */
const FRONT_SUM = new Uint8Array(1000);
const BACK_SUM = new Uint8Array(1000);
for (let value = 0; value < 1000; value++) {
  const a = Math.floor(value / 100);
  const b = Math.floor(value / 10) % 10;
  const c = value % 10;
  FRONT_SUM[value] = (doubledDigit(a) + b + doubledDigit(c)) % 10;
  BACK_SUM[value] = (a + doubledDigit(b) + c) % 10;
}

/**
 * Puts texts into slots `from` to `to` - 1: the tweak of each into its block, the halves of its
 * numerals beside.
 *
 * The second block of FF1 is written without round number and half, and with the CBC-MAC of the
 * first one added. Its last two words wait beside it, since every round writes them anew.
 *
 * @see NIST SP 800-38G, algorithm 7, steps 2 and 6.i
 */
export function enterSlots(recipe: Recipe, window: Window, from: number, to: number): void {
  const { layout, plan, base, readAt, residueBefore } = recipe;
  const { panLength } = layout;
  const { word0, word1, word2, word3 } = base;
  const { firstMask, secondMask, lastMask, lastShift, lastIn0, lastIn1, lastIn2 } = base;
  const { texts, start, textOfSlot } = window;
  const { view: blocks, upper, lower, left, right } = window.lane;
  const leftCount = plan.left.numerals;
  const rightCount = plan.right.numerals;
  if (residueBefore !== ANY_RESIDUE) completeSlots(recipe, residueBefore, window, from, to);
  for (let slot = from; slot < to; slot++) {
    const at = start[textOfSlot[slot] as number] as number;
    const first = texts.view.getInt32(at) & firstMask;
    const second = texts.view.getInt32(at + 4) & secondMask;
    const last = texts.view.getInt32(at + panLength - 4) & lastMask;
    const begin = last >>> lastShift;
    const end = last << (32 - lastShift);
    const word1Last = (begin & lastIn1) ^ (end & lastIn0);
    blocks.setInt32(16 * slot, word0 ^ (first >>> 8) ^ (begin & lastIn0));
    blocks.setInt32(16 * slot + 4, word1 ^ (first << 24) ^ (second >>> 8) ^ word1Last);
    upper[slot] = word2 ^ (second << 24) ^ (begin & lastIn2) ^ (end & lastIn1);
    lower[slot] = word3 ^ (end & lastIn2);
    const numerals = at + readAt;
    left[slot] = toInteger(texts.codes, numerals, leftCount, plan.radix);
    right[slot] = toInteger(texts.codes, numerals + leftCount, rightCount, plan.radix);
  }
  if (recipe.repeats) window.calls.fill(0, from, to);
  if (recipe.walks) startWalks(window, from, to);
}

/**
 * Tells whether what FF1 gave for a slot is outside the set, so that FF1 must run again from there.
 *
 * @throws {Error} if it has run 1,000 times, which is a defect.
 */
export function mustGoOn(recipe: Recipe, window: Window, slot: number): boolean {
  const goesOn = recipe.walks
    ? sumOfSix(window.lane, slot) !== window.startSum[slot]
    : (window.lane.left[slot] as number) < recipe.leftMin;
  if (goesOn) window.calls[slot] = countCall(window.calls[slot] as number);
  return goesOn;
}

/**
 * Writes what FF1 gave for slots `from` to `to` - 1 back into their texts, and what goes with it.
 *
 * An opened token may hold a numeral above 9 or begin with 0, which says that it is not ours: its
 * text is marked so.
 */
export function leaveSlots(recipe: Recipe, window: Window, from: number, to: number): void {
  const { plan, letter, residueAfter, writeAt } = recipe;
  const { texts, start, textOfSlot, lane } = window;
  const { codes } = texts;
  const pairs = plan.radix === 36 ? PAIRS_36 : PAIRS_10;
  const leftCount = plan.left.numerals;
  const rightCount = plan.right.numerals;
  for (let slot = from; slot < to; slot++) {
    const middle = (start[textOfSlot[slot] as number] as number) + writeAt + leftCount;
    writeInteger(lane.left[slot] as number, pairs, codes, middle, leftCount);
    writeInteger(lane.right[slot] as number, pairs, codes, middle + rightCount, rightCount);
    if (letter !== NO_LETTER) codes[middle - leftCount - 1] = letter;
  }
  if (residueAfter !== ANY_RESIDUE) completeSlots(recipe, residueAfter, window, from, to);
}

/**
 * Changes the last replaced digit of each text so that the whole has the residue wanted, in a pass
 * of its own: reading bytes as words right after they were written one by one would have to wait.
 */
function completeSlots(
  { layout }: Recipe,
  residue: number,
  { texts, start, group, textOfSlot }: Window,
  from: number,
  to: number,
): void {
  const { panLength, keepLast } = layout;
  const last = panLength - keepLast - 1;
  for (let slot = from; slot < to; slot++) {
    const text = textOfSlot[slot] as number;
    const at = start[text] as number;
    const isNumber = completeTo(residue, texts, at, panLength, at + last);
    if (!isNumber || texts.codes[at] === CODE_OF_0) group[text] = REFUSED.TOKEN_NOT_OURS;
  }
}

function startWalks({ lane, startSum }: Window, from: number, to: number): void {
  for (let slot = from; slot < to; slot++) startSum[slot] = sumOfSix(lane, slot);
}

/**
 * Gives what the six digits of a walking slot add to the residue of the whole, modulo 10. The
 * other digits stay as they are: a walk is back in its set when this is what it was at the start.
 */
function sumOfSix(lane: Lane, slot: number): number {
  const front = FRONT_SUM[lane.left[slot] as number] as number;
  return (front + (BACK_SUM[lane.right[slot] as number] as number)) % 10;
}

function toInteger(codes: Uint8Array, start: number, count: number, radix: number): number {
  let sum = 0;
  for (let at = start; at < start + count; at++) {
    sum = sum * radix + (VALUE_OF_CODE[codes[at] as number] as number);
  }
  return sum;
}

/** Writes an integer as `count` symbols that end before `end`, two at a time. */
function writeInteger(
  value: number,
  { square, inverse, codesOfPair }: Pairs,
  codes: Uint8Array,
  end: number,
  count: number,
): void {
  let rest = value;
  let at = end - 2;
  for (let left = count; left > 2; left -= 2, at -= 2) {
    let quotient = Math.floor(rest * inverse);
    let pair = rest - quotient * square;
    if (pair >= square) {
      pair -= square;
      quotient++;
    }
    const both = codesOfPair[pair] as number;
    codes[at] = both >>> 8;
    codes[at + 1] = both;
    rest = quotient;
  }
  const both = codesOfPair[rest] as number;
  codes[at + 1] = both;
  if (count % 2 === 0) codes[at] = both >>> 8;
}

function pairsOf(radix: number): Pairs {
  const square = radix * radix;
  const codesOfPair = Uint16Array.from({ length: square }, (_, pair) => {
    const first = CODE_OF_VALUE[Math.floor(pair / radix)] as number;
    return first * 256 + (CODE_OF_VALUE[pair % radix] as number);
  });
  return { square, inverse: inverseBelow(square), codesOfPair };
}
