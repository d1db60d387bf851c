import { randomInt } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { properties } from '../test/properties.ts';
import { slowSeconds } from './budget.ts';

/** `PANTOKEN_SLOW_SEED` runs again what a seed printed before ran. */
const firstSeed = Number(process.env.PANTOKEN_SLOW_SEED ?? randomInt(2 ** 31));

describe(`for all inputs, ${slowSeconds} s each, from seed ${firstSeed}`, () => {
  for (const { title, runs, property } of properties) {
    it(title, (test) => {
      const end = Date.now() + slowSeconds * 1000;
      let seed = firstSeed;
      let tried = 0;
      do {
        fc.assert(property, { numRuns: runs, seed });
        tried += runs;
        seed = (seed + 1) % 2 ** 31;
      } while (Date.now() < end);
      test.diagnostic(`seeds ${firstSeed} to ${seed - 1}, ${tried} inputs`);
    });
  }
});
