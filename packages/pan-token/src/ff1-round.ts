/**
 * One round of FF1 over all slots of a lane, in Numbers.
 *
 * Step 6 of the standard adds the pseudorandom integer y to one half when it encrypts and takes it
 * off when it decrypts, modulo a power of the radix. So that one loop does both without a branch on
 * secret values, a decrypting round counts downwards from the modulus: a - y is m - ((m - a) + y),
 * modulo m. `origin + sign * a` is a, or m - a.
 *
 * No product or sum here exceeds 2 ** 53, so Numbers are exact, but where `reduce` says otherwise.
 * Remainders use a multiplication by the inverse, since `%` on Numbers is a library call whose time
 * depends on its arguments.
 *
 * @see NIST SP 800-38G, algorithms 7 and 8, steps 6.iii to 6.ix
 */

import type { Lane, Round } from './ff1-lane.ts';
import type { Half } from './ff1-plan.ts';

/** Moduli up to 2 ** 21: y is two words, reduced by one multiplication. */
export function narrowRound(lane: Lane, stream: Uint8Array, count: number, round: Round): void {
  const { view, lower } = lane;
  const { values, origin, sign, nextLower } = round;
  const { modulus, inverse, factor32 } = round.half;
  const words = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  for (let slot = 0, at = 0; slot < count; slot++, at += 16) {
    const sum =
      words.getUint32(at) * factor32 +
      words.getUint32(at + 4) +
      (origin + sign * (values[slot] as number));
    let rest = sum - modulus * Math.floor(sum * inverse);
    if (rest >= modulus) rest -= modulus;
    let value = origin + sign * rest;
    if (value === modulus) value = 0;
    values[slot] = value;
    view.setUint32(at + 12, (lower[slot] as number) ^ (nextLower | value));
  }
}

/**
 * Moduli up to 2 ** 32: y is four pieces of 16 bits, whose sum stays below 2 ** 50.
 *
 * `inverse` takes less than 1 off such a sum. So only a multiple of the modulus comes out one too
 * low, and leaves the modulus itself, which becomes 0 at the end: no correction.
 */
export function mediumRound(lane: Lane, stream: Uint8Array, count: number, round: Round): void {
  const { view, upper, lower } = lane;
  const { values, origin, sign, nextUpper, nextLower } = round;
  const { modulus, inverse, factor16, factor32, factor48 } = round.half;
  const words = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  for (let slot = 0, at = 0; slot < count; slot++, at += 16) {
    const sum =
      words.getUint16(at) * factor48 +
      words.getUint16(at + 2) * factor32 +
      words.getUint16(at + 4) * factor16 +
      words.getUint16(at + 6) +
      (origin + sign * (values[slot] as number));
    const rest = sum - modulus * Math.floor(sum * inverse);
    let value = origin + sign * rest;
    if (value === modulus) value = 0;
    values[slot] = value;
    view.setInt32(at + 8, (upper[slot] as number) ^ nextUpper);
    view.setInt32(at + 12, (lower[slot] as number) ^ nextLower ^ value);
  }
}

/**
 * What {@link mediumRound} does to one slot, and {@link narrowRound} too, whose moduli are smaller.
 * Byte by byte, which for one block is faster than to make a DataView of it.
 *
 * @returns the half after the round.
 */
export function smallSum(
  { modulus, inverse, factor16, factor32, factor48 }: Half,
  stream: Uint8Array,
  before: number,
  sign: 1 | -1,
): number {
  const origin = sign === 1 ? 0 : modulus;
  const sum =
    pieceAt(stream, 0) * factor48 +
    pieceAt(stream, 2) * factor32 +
    pieceAt(stream, 4) * factor16 +
    pieceAt(stream, 6) +
    (origin + sign * before);
  const rest = sum - modulus * Math.floor(sum * inverse);
  const value = origin + sign * rest;
  return value === modulus ? 0 : value;
}

function pieceAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Moduli up to 2 ** 50: y is three words, reduced one after the other. */
export function wideRound(lane: Lane, stream: Uint8Array, count: number, round: Round): void {
  const { view, upper, lower } = lane;
  const { values, half, origin, sign, nextUpper } = round;
  const { modulus } = half;
  const words = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  for (let slot = 0, at = 0; slot < count; slot++, at += 16) {
    const high = reduce(half, words.getUint32(at), words.getUint32(at + 4));
    const before = origin + sign * (values[slot] as number);
    const rest = reduce(half, high, words.getUint32(at + 8) + before);
    let value = origin + sign * rest;
    if (value === modulus) value = 0;
    values[slot] = value;
    view.setInt32(at + 8, (upper[slot] as number) ^ nextUpper ^ Math.floor(value / 2 ** 32));
    view.setInt32(at + 12, (lower[slot] as number) ^ value);
  }
}

/**
 * Gives high * 2 ** 32 + low modulo a modulus up to 2 ** 50.
 *
 * The whole is below 2 ** 83, more than a Number holds exactly; so is what the quotient takes off
 * it. Both are off by at most 2 ** 30, so their difference is off by less than 2 ** 31: enough to
 * tell its upper bits, as its lower 32 are known from integer arithmetic. The quotient is below
 * 2 ** 43, so it is exact or low by one.
 *
 * @param high below the modulus, or below 2 ** 32.
 * @param low below 2 ** 51.
 */
function reduce({ modulus, inverse }: Half, high: number, low: number): number {
  const whole = high * 2 ** 32 + low;
  const quotient = Math.floor(whole * inverse);
  const lower = (low - Math.imul(quotient, modulus)) >>> 0;
  const upper = Math.floor((whole - quotient * modulus - lower) / 2 ** 32 + 0.5);
  const rest = upper * 2 ** 32 + lower;
  return rest >= modulus ? rest - modulus : rest;
}
