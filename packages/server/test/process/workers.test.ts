import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, it } from 'node:test';
import { makeBenchService } from '../../bench/service-under-test.ts';
import { startClients } from '../../crash/clients.ts';
import { makeModel } from '../../crash/model.ts';
import { makeSeeded } from '../../crash/seeded.ts';
import { freePort, makeTestDatabase } from '../harness/postgres.ts';
import { startWorkers, until } from '../harness/workers.ts';

const database = await makeTestDatabase();
after(() => database.close());

for (const engine of ['sqlite', 'postgres'] as const) {
  it(`two workers on one ${engine} share a port, one that is killed is replaced, and SIGTERM loses no answer`, async () => {
    const place = engine === 'postgres' ? { engine, url: database.url } : undefined;
    const service = await makeBenchService(place, 0);
    const workers = await startWorkers(service.home, await freePort(), place);
    const model = makeModel();
    const deps = { credentials: service, model, seeded: makeSeeded(1) };
    const clients = startClients({ ...deps, urls: () => [workers.url] }, 4);
    const answered = (wanted: number) =>
      until(async () => clients.answeredCount() >= wanted, 'the service does not answer');
    await answered(20);
    await workers.replaceOne();
    await answered(clients.answeredCount() + 20);
    const { code } = await workers.stop();
    await clients.stop();
    rmSync(service.home, { recursive: true });
    assert.equal(code, 0);
    assert.deepEqual(model.violations, []);
  });
}
