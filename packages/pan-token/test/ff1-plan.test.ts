import { deepEqual, equal, notEqual } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { planFor } from '../src/ff1-plan.ts';
import { ff1Decrypt, ff1Encrypt, ff1EncryptMany } from '../src/index.ts';
import { plainFf1Encrypt } from './plain-ff1.ts';

const KEY = createHash('sha256').update('plan').digest();
const TWEAK = Uint8Array.of(1, 2, 3);

function checkAgainstPlain(radix: number, numerals: readonly number[]): void {
  const params = { key: KEY, radix, tweak: TWEAK, domainMin: 100 };
  const expected = plainFf1Encrypt(KEY, radix, TWEAK, numerals);
  deepEqual(ff1Encrypt(params, numerals), expected, `${radix} ** ${numerals.length}`);
  deepEqual(ff1EncryptMany(params, [numerals, expected])[0], expected);
  deepEqual(ff1Decrypt(params, expected), numerals);
}

describe('FF1, step by step as the standard writes it', () => {
  it('gives the same where halves change from Numbers to BigInt, and in radix 65536', () => {
    for (const radix of [2, 10, 36, 257, 4095, 65_535, 65_536]) {
      for (const length of [2, 3, 4, 5, 6, 7, 8, 15, 31, 64]) {
        if (radix ** length < 100) continue;
        checkAgainstPlain(
          radix,
          Array.from({ length }, (_, at) => (at * 7919 + radix - 1) % radix),
        );
        checkAgainstPlain(radix, new Array<number>(length).fill(radix - 1));
      }
    }
  });

  it('gives the same where the largest half is a power of 256, and takes a byte more', () => {
    checkAgainstPlain(257, [0, 0]);
    checkAgainstPlain(257, [256, 256]);
    checkAgainstPlain(256, [255, 255]);
  });
});

describe('the plan for a radix and a length', () => {
  it('is never that of another radix and length', () => {
    for (const [radix, length] of [
      [8_192, 3],
      [16_384, 2],
      [2, 4_096],
      [3, 2],
      [65_536, 4_096],
    ] as const) {
      const { radix: radixOfPlan, length: lengthOfPlan } = planFor(radix, length);
      deepEqual([radixOfPlan, lengthOfPlan], [radix, length]);
    }
  });

  it('is kept, but not for ever', () => {
    planFor(10, 6);
    planFor(10, 7); // Now both have found room.
    const [plan, other] = [planFor(10, 6), planFor(10, 7)];
    equal(planFor(10, 6), plan);
    equal(planFor(10, 7), other);
    for (let length = 20; length < 300; length++) planFor(2, length);
    notEqual(planFor(10, 6), plan);
  });
});
