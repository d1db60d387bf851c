import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fuzz, shareOfGood } from './harness/fuzz.ts';
import { startService } from './harness/service.ts';

/** A few seconds' worth; test-slow/fuzz.test.ts sends 100,000. */
const COUNT = 800;

/** No scheme is connected here: what it would push is refused. */
const NOT_CONNECTED = /callbacks/;

const test = await startService();

it('whatever is sent, the answer is one the OpenAPI document promises, and shows no number', async () => {
  const seed = Date.now() % 2 ** 31;
  const counts = await fuzz(test, COUNT, seed);
  // Both what is good and what is bad has been tried, of every operation.
  for (const [name, share] of Object.entries(shareOfGood(counts))) {
    if (NOT_CONNECTED.test(name)) continue;
    assert(share >= 10, `${name}: ${share} % with seed ${seed}`);
    assert(Object.keys(counts[name]?.all ?? {}).length > 1, name);
  }
});
