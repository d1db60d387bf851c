import { it } from 'node:test';
import { fuzz } from '../test/harness/fuzz.ts';
import { startService } from '../test/harness/service.ts';

const COUNT = 100_000;

const test = await startService();

it('100,000 requests out of the OpenAPI document: nothing fails, nothing leaks', async (context) => {
  const seed = Number(process.env.PANTOKEN_TEST_SEED ?? Date.now() % 2 ** 31);
  const statuses = await fuzz(test, COUNT, seed);
  context.diagnostic(JSON.stringify({ seed, statuses }));
});
