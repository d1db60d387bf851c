import { it } from 'node:test';
import { type FuzzCounts, fuzz, shareOfGood, startFuzzTarget } from '../test/harness/fuzz.ts';

const ROUNDS = 10;
const COUNT = Number(process.env.PANTOKEN_TEST_COUNT ?? 100_000) / ROUNDS;

const target = await startFuzzTarget();

it('100,000 requests out of the OpenAPI document: nothing fails, nothing leaks', async (context) => {
  const seed = Number(process.env.PANTOKEN_TEST_SEED ?? Date.now() % 2 ** 31);
  const counts: Record<string, FuzzCounts> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, found] of Object.entries(await fuzz(target, COUNT, seed + round))) {
      counts[name] ??= { all: {}, good: {} };
      for (const kind of ['all', 'good'] as const) {
        for (const [status, count] of Object.entries(found[kind])) {
          counts[name][kind][status] = (counts[name][kind][status] ?? 0) + count;
        }
      }
    }
    process.stderr.write(`${(round + 1) * COUNT} requests\n`);
  }
  context.diagnostic(JSON.stringify({ seed, percentOf200: shareOfGood(counts) }));
  for (const [name, each] of Object.entries(counts)) {
    context.diagnostic(`${name} ${JSON.stringify(each)}`);
  }
});
