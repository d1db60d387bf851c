/**
 * `npm run test:crash`: kills and hurts the service and its database under load, and compares all that
 * it acknowledged with what is there afterwards. The seed that is printed makes the same choices again.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makeBenchService } from '../bench/service-under-test.ts';
import { sqliteIn } from '../src/service.ts';
import type { StorePlace } from '../src/store/place.ts';
import { freePort, makePostgresServer } from '../test/harness/postgres.ts';
import { startClients } from './clients.ts';
import { FAULTS, type FaultName, KILLS, OTHER_FAULTS } from './faults.ts';
import { type Model, makeModel } from './model.ts';
import { makeNodeProcess } from './node-process.ts';
import { startProxy } from './proxy.ts';
import { makeRotations, type Rotations } from './rotations.ts';
import { makeSeeded } from './seeded.ts';
import { verifyAnswers, verifyDatabase } from './verify.ts';

const { values: options } = parseArgs({
  options: {
    /** Kills of each engine; one other fault comes after every fourth. */
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    engines: { type: 'string', default: 'sqlite,postgres' },
    clients: { type: 'string', default: '8' },
    /** Leaves out the negative control. */
    'no-control': { type: 'boolean', default: false },
  },
});

type Engine = 'sqlite' | 'postgres';

const KILLS_PER_OTHER_FAULT = 4;

interface Outcome {
  readonly model: Model;
  readonly counts: ReadonlyMap<FaultName, number>;
  readonly keyChanges: Rotations['counts'];
}

async function run(engine: Engine, mode: string, kills: number, seed: number): Promise<Outcome> {
  const seeded = makeSeeded(seed);
  const postgres = engine === 'postgres' ? await makePostgresServer() : undefined;
  await postgres?.start();
  const direct = postgres?.url('postgres');
  const proxy = postgres === undefined ? undefined : await startProxy(postgres.port);
  const place: StorePlace | undefined =
    direct === undefined ? undefined : { engine: 'postgres', url: direct };
  const service = await makeBenchService(place, 0);
  const throughProxy = direct?.replace(/:\d+\//, `:${proxy?.port}/`) ?? '';
  const server = makeNodeProcess(service.home, await freePort(), throughProxy, mode);
  await server.start();
  const model = makeModel();
  const rotations = makeRotations(service.home, throughProxy, makeSeeded(seed + 2), model);
  const clientSeed = makeSeeded(seed + 1);
  const deps = { urls: () => [server.url], credentials: service, model, seeded: clientSeed };
  const counts = new Map<FaultName, number>();
  try {
    for (let kill = 1; kill <= kills && model.violations.length === 0; kill++) {
      const names: FaultName[] = [seeded.pick(KILLS[engine])];
      if (kill % KILLS_PER_OTHER_FAULT === 0) names.push(seeded.pick(OTHER_FAULTS[engine]));
      await rotations.turn();
      for (const name of names) {
        const known = model.cards.length;
        const clients = startClients(deps, Number(options.clients));
        await sleep(50 + seeded.below(250));
        await FAULTS[name]({ server, postgres, proxy, seeded });
        await clients.stop();
        await verifyAnswers(clients, model, seeded, known);
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      if (kill % 50 === 0) print(`${engine}: ${kill} kills, ${model.cards.length} cards`);
    }
    if (!(await rotations.finish())) model.violations.push('a change of keys does not end');
    const clients = startClients(deps, 0);
    await clients.settleOpen();
    await verifyAnswers(clients, model, seeded, 0);
    await server.kill();
    await verifyDatabase(place ?? sqliteIn(service.home), model);
  } finally {
    await server.kill().catch(() => undefined);
    proxy?.close();
    await postgres?.stop();
    rmSync(service.home, { recursive: true, force: true });
  }
  return { model, counts, keyChanges: rotations.counts };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const seed = Number(options.seed);
print(`seed ${seed} (again: npm run test:crash -- --seed ${seed})`);
let isGood = true;
for (const name of options.engines.split(',')) {
  const engine = name as Engine;
  const { model, counts, keyChanges } = await run(engine, '', Number(options.kills), seed);
  const { cards, requestIds, violations } = model;
  const faults = [...counts].map(([fault, count]) => `${fault} ${count}`).join(', ');
  print(`${engine}: ${faults}`);
  print(
    `${engine}: ${keyChanges.begun} changes of keys, ${keyChanges.killed} of them killed; ` +
      `${keyChanges.deleted} cards deleted; ` +
      `${model.recoveredCount} lost answers asked for again, ${model.repeatedCount} requests repeated`,
  );
  print(
    `${engine}: ${requestIds.size} requests acknowledged, ${cards.length} cards, ` +
      `${violations.length} violations`,
  );
  for (const violation of new Set(violations)) print(`  ${violation}`);
  if (violations.length > 0) isGood = false;
  if (options['no-control']) continue;
  const control = await run(engine, 'early-ack', 10, seed);
  const isCaught = control.model.violations.length > 0;
  print(`${engine}: the negative control was ${isCaught ? 'caught' : 'NOT caught'}`);
  for (const violation of new Set(control.model.violations)) print(`  ${violation}`);
  if (!isCaught) isGood = false;
}
process.exitCode = isGood ? 0 : 1;
