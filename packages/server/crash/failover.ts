/**
 * `npm run test:failover`: two nodes, one PostgreSQL and its synchronous standby. Under load the
 * primary is killed and the standby promoted; the nodes stay up. Nothing that was acknowledged may be
 * lost, and service has to be back within ten seconds.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makeBenchService } from '../bench/service-under-test.ts';
import { freePort, makePostgresServer } from '../test/harness/postgres.ts';
import { startClients } from './clients.ts';
import { makeModel } from './model.ts';
import { makeNodeProcess } from './node-process.ts';
import { makeSeeded } from './seeded.ts';
import { promote, removeServer, startStandby } from './standby.ts';
import { verifyAnswers, verifyDatabase } from './verify.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});

const BACK_LIMIT_MS = 10_000;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** @returns how long the service was gone, in ms. */
async function failOver(seed: number): Promise<{ goneMs: number; violations: readonly string[] }> {
  const seeded = makeSeeded(seed);
  const primary = await makePostgresServer();
  await primary.start();
  const service = await makeBenchService({ engine: 'postgres', url: primary.url('postgres') }, 0);
  const standby = await startStandby(primary);
  const url = primary.url('postgres').replace(/(127[^/]+)/, `$1,127.0.0.1:${standby.port}`);
  const nodes = [
    makeNodeProcess(service.home, await freePort(), url, ''),
    makeNodeProcess(service.home, await freePort(), url, ''),
  ];
  for (const node of nodes) await node.start();
  const model = makeModel();
  const urls = () => nodes.map((node) => node.url);
  const clients = startClients({ urls, credentials: service, model, seeded }, 8);
  try {
    await sleep(1_000 + seeded.below(2_000));
    const killedAt = performance.now();
    await primary.kill();
    await promote(standby);
    // Back: an answer to what was asked after the standby took over.
    const before = clients.answeredCount();
    while (clients.answeredCount() === before && performance.now() - killedAt < 60_000) {
      await sleep(10);
    }
    const goneMs = performance.now() - killedAt;
    await sleep(1_500);
    await clients.stop();
    print(`${model.cards.length} cards, ${model.requestIds.size} requests acknowledged`);
    await verifyAnswers(clients, model, seeded, 0);
    await verifyDatabase({ engine: 'postgres', url: standby.url('postgres') }, model);
    return { goneMs, violations: model.violations };
  } finally {
    await clients.stop();
    for (const node of nodes) await node.kill();
    await standby.stop();
    removeServer(primary);
    rmSync(service.home, { recursive: true, force: true });
  }
}

print(`seed ${options.seed}`);
for (let round = 0; round < Number(options.rounds); round++) {
  const { goneMs, violations } = await failOver(Number(options.seed) + round);
  print(`service back after ${(goneMs / 1000).toFixed(1)} s, ${violations.length} violations`);
  for (const violation of new Set(violations)) print(`  ${violation}`);
  if (violations.length > 0 || goneMs > BACK_LIMIT_MS) process.exitCode = 1;
}
