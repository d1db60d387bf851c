import { equal } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { makeLane } from '../src/ff1-lane.ts';
import { type Half, planFor } from '../src/ff1-plan.ts';
import { mediumRound, narrowRound, smallSum, wideRound } from '../src/ff1-round.ts';

/** What AES may give: the largest, the smallest, and what is the same in every run. */
const STREAMS = [
  new Uint8Array(16).fill(0xff),
  new Uint8Array(16),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff),
  Uint8Array.of(0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
  ...Array.from({ length: 20 }, (_, index) =>
    createHash('sha256').update(String(index)).digest().subarray(0, 16),
  ),
].map((bytes) => Uint8Array.from({ length: 16 }, (_, at) => bytes[at] ?? 0));

/** Both halves of strings of some length in all these radices. */
function halvesOf(length: number, radixMin: number, radixMax: number): Half[] {
  return Array.from({ length: radixMax - radixMin + 1 }, (_, index) =>
    planFor(radixMin + index, length),
  ).flatMap(({ left, right }) => [left, right]);
}

const ROUNDS = [
  { name: 'narrow', run: narrowRound, bytes: 8, halves: halvesOf(4, 1_380, 1_448) },
  { name: 'narrow', run: narrowRound, bytes: 8, halves: halvesOf(3, 1_380, 1_448) },
  { name: 'medium', run: mediumRound, bytes: 8, halves: halvesOf(4, 65_500, 65_536) },
  { name: 'medium', run: mediumRound, bytes: 8, halves: halvesOf(12, 30, 40) },
  { name: 'wide', run: wideRound, bytes: 12, halves: halvesOf(8, 5_740, 5_792) },
  { name: 'wide', run: wideRound, bytes: 12, halves: halvesOf(5, 1_626, 1_660) },
  { name: 'wide', run: wideRound, bytes: 12, halves: halvesOf(18, 30, 40) },
] as const;

/** Sums next to a multiple of the modulus: there a quotient is one too low, or would be too high. */
function sumsOf(modulus: number): number[] {
  return [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((distance) => [distance, modulus - 1 - distance]);
}

/** The half that plus y, or minus y, comes to the sum. */
function halfBefore(sum: number, sign: 1 | -1, y: bigint, { bigModulus }: Half): number {
  const rest = (BigInt(sum) - BigInt(sign) * y) % bigModulus;
  return Number(rest < 0n ? rest + bigModulus : rest);
}

function integerOf(stream: Uint8Array, bytes: number): bigint {
  return BigInt(`0x${Buffer.from(stream.subarray(0, bytes)).toString('hex')}`);
}

describe('a round of FF1', () => {
  for (const [index, { name, run, bytes, halves }] of ROUNDS.entries()) {
    it(`is exact next to every multiple of the modulus: ${name} (${index})`, () => {
      const lane = makeLane(1);
      for (const half of halves) {
        for (const stream of STREAMS) {
          const y = integerOf(stream, bytes);
          for (const sum of sumsOf(half.modulus)) {
            for (const sign of [1, -1] as const) {
              const origin = sign === 1 ? 0 : half.modulus;
              const round = { values: lane.left, half, origin, sign, nextUpper: 0, nextLower: 0 };
              const before = halfBefore(sum, sign, y, half);
              lane.left[0] = before;
              run(lane, stream, 1, round);
              equal(lane.left[0], sum, `${half.modulus} ${y} ${sign}`);
              if (bytes === 8) equal(smallSum(half, stream, before, sign), sum);
            }
          }
        }
      }
    });
  }
});
