import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeBaseBackup } from '../test/harness/base-backup.ts';
import { makePostgresServer, type PostgresServer, queryOnce } from '../test/harness/postgres.ts';

/**
 * Makes a running server's synchronous standby, by a base backup over SQL. From here on the primary
 * acknowledges nothing that the standby does not have.
 */
export async function startStandby(primary: PostgresServer): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-standby-'));
  const data = join(folder, 'data');
  await queryOnce(
    primary.url('postgres'),
    `select pg_create_physical_replication_slot('standby', true)`,
  );
  await takeBaseBackup(primary, data, 'left out');
  writeFileSync(join(data, 'standby.signal'), '');
  const conninfo = `host=127.0.0.1 port=${primary.port} user=pantoken application_name=standby`;
  const standby = await makePostgresServer(
    [`primary_conninfo = '${conninfo}'`, `primary_slot_name = 'standby'`, 'hot_standby = on'],
    folder,
  );
  await standby.start();
  await setSynchronous(primary, 'standby');
  await untilSynchronous(primary);
  return standby;
}

/** Makes the standby the primary. It has no standby of its own then, and must not wait for one. */
export async function promote(standby: PostgresServer): Promise<void> {
  await queryOnce(standby.url('postgres'), 'select pg_promote(true, 30)');
  await setSynchronous(standby, '');
}

async function setSynchronous(server: PostgresServer, names: string): Promise<void> {
  await queryOnce(
    server.url('postgres'),
    `alter system set synchronous_standby_names = '${names}'`,
  );
  await queryOnce(server.url('postgres'), 'select pg_reload_conf()');
}

async function untilSynchronous(primary: PostgresServer): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const [row] = await queryOnce(
      primary.url('postgres'),
      `select count(*) as n from pg_stat_replication where sync_state = 'sync'`,
    );
    if (Number(row?.n) === 1) return;
    await sleep(100);
  }
  throw new Error('the standby does not follow');
}

/** Removes the folder of a server that was killed. */
export function removeServer({ folder }: PostgresServer): void {
  rmSync(folder, { recursive: true, force: true });
}
