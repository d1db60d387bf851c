/**
 * FF1 for halves that Numbers do not hold, in BigInt.
 *
 * Here too AES runs once per round over all strings that go through together.
 *
 * @see NIST SP 800-38G, algorithms 7 and 8, step 6
 */

import type { AesKey } from './aes.ts';
import { type Direction, ROUNDS } from './ff1-lane.ts';
import { addTo, BLOCK } from './ff1-mac.ts';
import type { Plan } from './ff1-plan.ts';

/** Both halves of one string of numerals. */
export interface BigHalves {
  left: bigint;
  right: bigint;
}

/**
 * Sends strings of numerals through FF1, in place.
 *
 * @param variable from `variableBlocks`, the same for all.
 */
export function permuteBig(
  aes: AesKey,
  plan: Plan,
  variable: Uint8Array,
  strings: readonly BigHalves[],
  direction: Direction,
): void {
  for (let step = 0; step < ROUNDS; step++) {
    const round = direction === 'encrypt' ? step : ROUNDS - 1 - step;
    const changing = round % 2 === 0 ? 'left' : 'right';
    const other = round % 2 === 0 ? 'right' : 'left';
    const modulus = plan[changing].bigModulus;
    const macs = macsOf(aes, plan, variable, round, strings, other);
    const stream = streamOf(aes, plan, macs);
    const size = stream.length / strings.length;
    for (const [index, halves] of strings.entries()) {
      const y = toBigInt(stream, index * size, plan.roundBytes);
      const sum = halves[changing] + (direction === 'encrypt' ? y : -y);
      const rest = sum % modulus; // The sign of the dividend.
      halves[changing] = rest < 0n ? rest + modulus : rest;
    }
  }
}

/** Step 6.ii: the CBC-MAC of each string, one block each. */
function macsOf(
  aes: AesKey,
  { halfBytes }: Plan,
  variable: Uint8Array,
  round: number,
  strings: readonly BigHalves[],
  other: 'left' | 'right',
): Uint8Array {
  const size = variable.length;
  const inputs = new Uint8Array(size * strings.length);
  for (const [index, halves] of strings.entries()) {
    const input = inputs.subarray(index * size, (index + 1) * size);
    writeBigInt(halves[other], input, halfBytes);
    input[size - halfBytes - 1] = round;
    for (let at = 0; at < size; at++) input[at] = (input[at] as number) ^ (variable[at] as number);
  }
  let macs = aes.encryptBlocks(pick(inputs, size, 0));
  for (let at = BLOCK; at < size; at += BLOCK) {
    const blocks = pick(inputs, size, at);
    for (let start = 0; start < blocks.length; start += BLOCK) {
      addTo(blocks, start, macs.subarray(start, start + BLOCK));
    }
    macs = aes.encryptBlocks(blocks);
  }
  return macs;
}

/** Gives the block at `at` of each input of `size` bytes, together. */
function pick(inputs: Uint8Array, size: number, at: number): Uint8Array {
  const blocks = new Uint8Array((inputs.length / size) * BLOCK);
  for (let from = at, to = 0; to < blocks.length; from += size, to += BLOCK) {
    blocks.set(inputs.subarray(from, from + BLOCK), to);
  }
  return blocks;
}

/** Step 6.iii: each CBC-MAC R, then CIPH(R + 1), CIPH(R + 2) ... until they are `d` bytes. */
function streamOf(aes: AesKey, { roundBytes }: Plan, macs: Uint8Array): Uint8Array {
  const blockCount = Math.ceil(roundBytes / BLOCK);
  const size = blockCount * BLOCK;
  const inputs = new Uint8Array((macs.length / BLOCK) * (size - BLOCK));
  const counter = new Uint8Array(BLOCK);
  const counterView = new DataView(counter.buffer);
  for (let from = 0, to = 0; from < macs.length; from += BLOCK) {
    for (let count = 1; count < blockCount; count++, to += BLOCK) {
      counterView.setUint32(BLOCK - 4, count);
      inputs.set(macs.subarray(from, from + BLOCK), to);
      addTo(inputs, to, counter);
    }
  }
  const rest = aes.encryptBlocks(inputs);
  const stream = new Uint8Array(macs.length * blockCount);
  for (let from = 0, to = 0; from < macs.length; from += BLOCK, to += size) {
    const restFrom = (from / BLOCK) * (size - BLOCK);
    stream.set(macs.subarray(from, from + BLOCK), to);
    stream.set(rest.subarray(restFrom, restFrom + size - BLOCK), to + BLOCK);
  }
  return stream;
}

/** @param length a multiple of 4. */
function toBigInt(bytes: Uint8Array, start: number, length: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  let sum = 0n;
  for (let at = 0; at < length; at += 4) sum = (sum << 32n) | BigInt(view.getUint32(at));
  return sum;
}

/** Writes an integer into the last `count` bytes. */
function writeBigInt(value: bigint, bytes: Uint8Array, count: number): void {
  let rest = value;
  for (let at = bytes.length - 1; at >= bytes.length - count; at--) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}
