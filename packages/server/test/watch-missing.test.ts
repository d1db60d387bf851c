import assert, { deepEqual, equal } from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeLog } from '../src/log.ts';
import { createService, type Service } from '../src/service.ts';
import { makePostgresServer } from './harness/postgres.ts';
import { editByHand, operator, startService } from './harness/service.ts';

/** What `/readyz` says, once it says what is waited for. */
async function untilReady(port: number, isAsWanted: (missing: readonly string[]) => boolean) {
  for (let tries = 0; ; tries++) {
    const reply = await fetch(`http://127.0.0.1:${port}/readyz`);
    const { ready, missing } = (await reply.json()) as { ready: boolean; missing: string[] };
    equal(reply.status, ready ? 200 : 503);
    if (isAsWanted(missing)) return missing;
    assert(tries < 60, `it says ${missing}`);
    await sleep(50);
  }
}

const untilMissing = (port: number, name: string) =>
  untilReady(port, (missing) => missing.includes(name));
const untilWhole = (port: number) => untilReady(port, (missing) => missing.length === 0);

it('/readyz names the database while PostgreSQL is stopped, and is ready when it is back', async () => {
  const server = await makePostgresServer(['fsync = off']);
  await server.start();
  const home = mkdtempSync(join(tmpdir(), 'pantoken-ready-'));
  let service: Service | undefined;
  after(async () => {
    await service?.close();
    await server.stop();
    rmSync(home, { recursive: true });
  });
  const log = makeLog('error', { write: () => undefined });
  const database = { engine: 'postgres', url: server.url('postgres') } as const;
  service = await createService(home, log, { database });
  const port = await service.watch.listen(0, '127.0.0.1');
  await untilWhole(port);
  await server.kill();
  const reply = await fetch(`http://127.0.0.1:${port}/readyz`);
  equal(reply.status, 503);
  await untilMissing(port, 'database');
  equal((await fetch(`http://127.0.0.1:${port}/livez`)).status, 200, 'it lives all the same');
  await server.start();
  await untilWhole(port);
});

it('/readyz names the provider of the keys while it is gone', async () => {
  const test = await startService();
  const port = await test.service.watch.listen(0, '127.0.0.1');
  await untilWhole(port);
  const path = join(test.home, 'key-encryption-key');
  renameSync(path, `${path}.away`);
  // Something is registered elsewhere: the keys are read anew for it.
  const countUp = 'update directory_version set version = version + 1';
  editByHand(test.home, (database) => database.exec(countUp));
  deepEqual(await untilMissing(port, 'key provider'), ['key provider']);
  renameSync(`${path}.away`, path);
  await untilWhole(port);
});

it('/readyz names the audit log while it cannot be written, and finds out when it can again', async () => {
  const test = await startService();
  const port = await test.service.watch.listen(0, '127.0.0.1');
  await untilWhole(port);
  editByHand(test.home, (database) =>
    database.exec(`create trigger full_disk before insert on audit_block
      begin select raise(abort, 'database or disk is full'); end`),
  );
  equal((await test.issuer.create()).status, 503);
  deepEqual(await untilMissing(port, 'audit log'), ['audit log']);
  await assert.rejects(test.service.disableCaller(operator, 'channel'));
  editByHand(test.home, (database) => database.exec('drop trigger full_disk'));
  await untilWhole(port); // Nobody has asked for anything meanwhile.
  equal((await test.issuer.create()).status, 200);
});
