import type { AesKey } from './aes.ts';
import type { Half, NumberPlan } from './ff1-plan.ts';
import { mediumRound, narrowRound, smallSum, wideRound } from './ff1-round.ts';

export type Direction = 'encrypt' | 'decrypt';

/** Rounds of FF1. */
export const ROUNDS = 10;

/**
 * Slots in which many strings of numerals go through the rounds of FF1 together: per round, one
 * call of AES over the blocks of all slots, then one pass of arithmetic.
 *
 * All strings of a lane have one plan and one key; the tweak may differ from slot to slot.
 */
export interface Lane {
  readonly capacity: number;
  /** The halves of each slot: integers below 2 ** 50. */
  readonly left: Float64Array;
  readonly right: Float64Array;
  /**
   * What AES encrypts in the next round, 16 bytes a slot: the last block of the CBC-MAC, with what
   * came before already added. Only its last bytes, round number and half, change with the rounds.
   */
  readonly blocks: Uint8Array;
  readonly view: DataView;
  /** The last two 32-bit words of each block, without round number and half. */
  readonly upper: Int32Array;
  readonly lower: Int32Array;
}

/** What one round does to all slots of a lane. */
export interface Round {
  /** The half that changes, and its place in the lane. */
  readonly values: Float64Array;
  readonly half: Half;
  /** 0 and 1 to encrypt; the modulus and -1 to decrypt: see ff1-round.ts. */
  readonly origin: number;
  readonly sign: 1 | -1;
  /** The number of the next round, at its place in the last two words of a block. */
  readonly nextUpper: number;
  readonly nextLower: number;
}

const ROUND_OF = { narrow: narrowRound, medium: mediumRound, wide: wideRound };

export function makeLane(capacity: number): Lane {
  const blocks = new Uint8Array(16 * capacity);
  return {
    capacity,
    left: new Float64Array(capacity),
    right: new Float64Array(capacity),
    blocks,
    view: new DataView(blocks.buffer),
    upper: new Int32Array(capacity),
    lower: new Int32Array(capacity),
  };
}

/** Wipes the halves of the first `count` slots, and the half that is in each block. */
export function wipeLane({ left, right, blocks }: Lane, count: number): void {
  for (let slot = 0; slot < count; slot++) {
    left[slot] = 0;
    right[slot] = 0;
  }
  blocks.fill(0, 0, 16 * count);
}

/** Moves a slot into another one, and the halves of that one the other way. */
export function exchangeInLane(
  { left, right, upper, lower, blocks }: Lane,
  from: number,
  to: number,
): void {
  const leftOfTo = left[to] as number;
  const rightOfTo = right[to] as number;
  left[to] = left[from] as number;
  right[to] = right[from] as number;
  left[from] = leftOfTo;
  right[from] = rightOfTo;
  upper[to] = upper[from] as number;
  lower[to] = lower[from] as number;
  blocks.copyWithin(16 * to, 16 * from, 16 * from + 8);
}

/**
 * Sends the first `count` slots through FF1, in place.
 *
 * @see NIST SP 800-38G, algorithms 7 and 8, step 6
 */
export function permute(
  lane: Lane,
  plan: NumberPlan,
  aes: AesKey,
  count: number,
  direction: Direction,
): void {
  const isSmall = plan.arithmetic !== 'wide';
  if (isSmall && lane.capacity === 1) permuteOne(lane, plan, aes, direction);
  else permuteLane(lane, plan, aes, count, direction);
}

function permuteLane(
  lane: Lane,
  plan: NumberPlan,
  aes: AesKey,
  count: number,
  direction: Direction,
): void {
  const blocks = lane.blocks.subarray(0, 16 * count);
  const run = ROUND_OF[plan.arithmetic];
  placeHalves(lane, plan, count, direction);
  for (let step = 0; step < ROUNDS; step++) {
    run(lane, aes.encryptBlocks(blocks), count, roundOf(lane, plan, step, direction));
  }
}

/**
 * Does what {@link permuteLane} does to a lane of capacity 1, for moduli up to 2 ** 32, without the
 * memory that it takes in each round. AES itself is nine tenths of the time here.
 */
function permuteOne(lane: Lane, plan: NumberPlan, aes: AesKey, direction: Direction): void {
  const { blocks } = lane;
  const encrypts = direction === 'encrypt';
  const sign = encrypts ? 1 : -1;
  const firstHalf = encrypts ? plan.left : plan.right;
  const secondHalf = encrypts ? plan.right : plan.left;
  const upper = lane.upper[0] as number;
  const lower = lane.lower[0] as number;
  let first = (encrypts ? lane.left : lane.right)[0] as number;
  let second = (encrypts ? lane.right : lane.left)[0] as number;
  // Two rounds at a time, one for each half.
  for (let step = 0; step < ROUNDS; step += 2) {
    const round = encrypts ? step : ROUNDS - 1 - step;
    writeWord(blocks, 8, upper ^ upperTag(plan, round));
    writeWord(blocks, 12, lower ^ lowerTag(plan, round) ^ second);
    first = smallSum(firstHalf, aes.encryptBlocks(blocks), first, sign);
    writeWord(blocks, 8, upper ^ upperTag(plan, round + sign));
    writeWord(blocks, 12, lower ^ lowerTag(plan, round + sign) ^ first);
    second = smallSum(secondHalf, aes.encryptBlocks(blocks), second, sign);
  }
  lane.left[0] = encrypts ? first : second;
  lane.right[0] = encrypts ? second : first;
}

/** Writes 32 bits, most significant byte first: for one block faster than by a DataView. */
function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

/** Writes into each block the round number and the half that the first round needs. */
function placeHalves(lane: Lane, plan: NumberPlan, count: number, direction: Direction): void {
  const { view, upper, lower } = lane;
  const values = direction === 'encrypt' ? lane.right : lane.left;
  const first = direction === 'encrypt' ? 0 : ROUNDS - 1;
  const tagUpper = upperTag(plan, first);
  const tagLower = lowerTag(plan, first);
  for (let slot = 0; slot < count; slot++) {
    const value = values[slot] as number;
    view.setInt32(16 * slot + 8, (upper[slot] as number) ^ tagUpper ^ Math.floor(value / 2 ** 32));
    view.setInt32(16 * slot + 12, (lower[slot] as number) ^ tagLower ^ value);
  }
}

function roundOf(lane: Lane, plan: NumberPlan, step: number, direction: Direction): Round {
  const encrypts = direction === 'encrypt';
  const number = encrypts ? step : ROUNDS - 1 - step;
  const next = encrypts ? number + 1 : number - 1;
  const half = number % 2 === 0 ? plan.left : plan.right;
  return {
    values: number % 2 === 0 ? lane.left : lane.right,
    half,
    origin: encrypts ? 0 : half.modulus,
    sign: encrypts ? 1 : -1,
    nextUpper: upperTag(plan, next),
    nextLower: lowerTag(plan, next),
  };
}

/** The round number stands right before the `b` bytes of the half, so its word depends on `b`. */
function lowerTag({ halfBytes }: NumberPlan, round: number): number {
  return halfBytes < 4 ? round << (8 * halfBytes) : 0;
}

function upperTag({ halfBytes }: NumberPlan, round: number): number {
  return halfBytes < 4 ? 0 : round << (8 * (halfBytes - 4));
}
