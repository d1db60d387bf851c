import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fuzz } from './harness/fuzz.ts';
import { startService } from './harness/service.ts';

/** A few seconds' worth; test-slow/fuzz.test.ts sends 100,000. */
const COUNT = 300;

const test = await startService();

it('whatever is sent, the answer is one the OpenAPI document promises, and shows no number', async () => {
  const seed = Date.now() % 2 ** 31;
  const statuses = await fuzz(test, COUNT, seed);
  // Both what is good and what is bad has been tried.
  const all = Object.keys(statuses);
  for (const status of ['200', '400', '401', '422'])
    assert(all.some((key) => key.endsWith(status)));
});
