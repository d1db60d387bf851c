import type { AesKey } from './aes.ts';
import { type BigHalves, permuteBig } from './ff1-big.ts';
import { type Direction, type Lane, makeLane, permute, wipeLane } from './ff1-lane.ts';
import { BLOCK, variableBlocks } from './ff1-mac.ts';
import { isNumberPlan, type NumberPlan, type Plan } from './ff1-plan.ts';
import {
  type Numerals,
  type NumeralsLike,
  newLike,
  readBigInt,
  readInteger,
  writeBigInt,
  writeInteger,
} from './numerals.ts';
import { makePool } from './pool.ts';

/** What strings of numerals that go through FF1 together have in common. */
export interface Run {
  readonly aes: AesKey;
  readonly plan: Plan;
  readonly tweak: Uint8Array;
  readonly direction: Direction;
  /** How an error names the string at a place of the list. */
  nameOf(place: number): string;
}

/** More slots would not make AES faster. */
const LANE_SLOTS = 4_096;

/** Blocks that AES encrypts at once for halves in BigInt: 64 KiB, as in a lane. */
const BIG_BLOCKS = 4_096;

/** The memory that one call works in. Not for callers, but for a test of it. */
export const singleLanes = makePool(() => makeLane(1));
export const manyLanes = makePool(() => makeLane(LANE_SLOTS));

/**
 * Sends the strings at some places of a list through FF1.
 *
 * @param places of strings that have the length of the plan.
 * @param results gets the result of each at the same place.
 * @throws {RangeError} if a string holds something else than numerals of the radix.
 */
export function permuteStrings<D extends Numerals>(
  run: Run,
  list: readonly D[],
  places: readonly number[],
  results: NumeralsLike<D>[],
): void {
  const { plan } = run;
  const variable = variableBlocks(run.aes, plan, run.tweak);
  if (!isNumberPlan(plan)) {
    const blocksOfOne = (variable.length + plan.roundBytes) / BLOCK;
    const together = Math.max(1, Math.floor(BIG_BLOCKS / blocksOfOne));
    for (let from = 0; from < places.length; from += together) {
      permuteBigs(run, variable, list, places.slice(from, from + together), results);
    }
    return;
  }
  const lanes = places.length === 1 ? singleLanes : manyLanes;
  const lane = lanes.take();
  try {
    for (let from = 0; from < places.length; from += lane.capacity) {
      const together = places.slice(from, from + lane.capacity);
      permuteNumbers({ ...run, plan }, variable, list, together, results, lane);
    }
  } finally {
    wipeLane(lane, Math.min(places.length, lane.capacity));
    lanes.giveBack(lane);
  }
}

function permuteNumbers<D extends Numerals>(
  { aes, plan, direction, nameOf }: Run & { readonly plan: NumberPlan },
  variable: Uint8Array,
  list: readonly D[],
  places: readonly number[],
  results: NumeralsLike<D>[],
  lane: Lane,
): void {
  const { radix, length } = plan;
  const u = plan.left.numerals;
  const v = plan.right.numerals;
  placeVariable(lane, variable, places.length);
  for (const [slot, place] of places.entries()) {
    const digits = list[place] as D;
    const left = readInteger(digits, 0, u, radix);
    const right = readInteger(digits, u, v, radix);
    if (Number.isNaN(left + right)) throw badNumeral(nameOf(place));
    lane.left[slot] = left;
    lane.right[slot] = right;
  }
  permute(lane, plan, aes, places.length, direction);
  for (const [slot, place] of places.entries()) {
    const result = newLike(list[place] as D);
    writeInteger(lane.left[slot] as number, radix, result, u, u);
    writeInteger(lane.right[slot] as number, radix, result, length, v);
    results[place] = result;
  }
}

/** Puts the one block that all strings have in common into the first slots. */
function placeVariable(lane: Lane, variable: Uint8Array, count: number): void {
  const words = new DataView(variable.buffer, variable.byteOffset);
  for (let slot = 0; slot < count; slot++) lane.blocks.set(variable, BLOCK * slot);
  lane.upper.fill(words.getInt32(8), 0, count);
  lane.lower.fill(words.getInt32(12), 0, count);
}

function permuteBigs<D extends Numerals>(
  { aes, plan, direction, nameOf }: Run,
  variable: Uint8Array,
  list: readonly D[],
  places: readonly number[],
  results: NumeralsLike<D>[],
): void {
  const { radix, length } = plan;
  const u = plan.left.numerals;
  const v = plan.right.numerals;
  const strings = places.map((place): BigHalves => {
    const left = readBigInt(list[place] as D, 0, u, radix);
    const right = readBigInt(list[place] as D, u, v, radix);
    if (left === undefined || right === undefined) throw badNumeral(nameOf(place));
    return { left, right };
  });
  permuteBig(aes, plan, variable, strings, direction);
  for (const [index, place] of places.entries()) {
    const { left, right } = strings[index] as BigHalves;
    const result = newLike(list[place] as D);
    writeBigInt(left, radix, result, u, u);
    writeBigInt(right, radix, result, length, v);
    results[place] = result;
  }
}

function badNumeral(name: string): RangeError {
  return new RangeError(`${name} must hold integers from 0 to radix - 1`);
}
