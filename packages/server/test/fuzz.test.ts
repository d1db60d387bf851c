import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fuzz, shareOfGood, startFuzzTarget } from './harness/fuzz.ts';

/** A few seconds' worth; test-slow/fuzz.test.ts sends 100,000. */
const COUNT = 800;

const target = await startFuzzTarget();

it('whatever is sent, the answer is one the OpenAPI document promises, and shows no number', async () => {
  const seed = Date.now() % 2 ** 31;
  const counts = await fuzz(target, COUNT, seed);
  // Both what is good and what is bad has been tried, of every operation.
  for (const [name, share] of Object.entries(shareOfGood(counts))) {
    assert(share >= 10, `${name}: ${share} % with seed ${seed}`);
    assert(Object.keys(counts[name]?.all ?? {}).length > 1, name);
  }
});
