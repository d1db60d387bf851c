/**
 * `npm run test:restore -- --bin <folder>`: restores backups that PostgreSQL's own tools have made, as
 * docs/operations.md says: `pg_basebackup`, the same with an archive up to a moment, and `pg_dump`. The
 * folder is that of an installation with the server and these tools, since npm has the server only.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { makePostgresServer, type PostgresServer, queryOnce } from '../test/harness/postgres.ts';
import { drillRestore } from '../test/harness/restore-drill.ts';

const { values: options } = parseArgs({ options: { bin: { type: 'string' } } });
if (options.bin === undefined) throw new Error('--bin <folder> with pg_basebackup and pg_dump');
const bin = (name: string) => join(options.bin ?? '', name);
const binaries = { initdb: bin('initdb'), postgres: bin('postgres') };
const run = (name: string, ...args: string[]) => promisify(execFile)(bin(name), args);

const folder = mkdtempSync(join(tmpdir(), 'pantoken-restore-'));
chmodSync(folder, 0o755);
const running: PostgresServer[] = [];

async function start(settings: readonly string[], name: string): Promise<PostgresServer> {
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  const server = await makePostgresServer(['fsync = off', ...settings], own, binaries);
  running.push(server);
  await server.start();
  return server;
}

/** A copy with the log it needs: it starts by itself, as of the end of the backup. */
async function restoreBaseBackup(): Promise<void> {
  const server = await start([], 'plain');
  await drillRestore(
    server.url('postgres'),
    async () => {
      const data = join(folder, 'copied/data');
      await baseBackup(server.url('postgres'), data);
    },
    async () => (await start([], 'copied')).url('postgres'),
  );
}

function baseBackup(url: string, data: string) {
  return run('pg_basebackup', '--dbname', url, '--pgdata', data, '--checkpoint=fast');
}

const MOMENT = 'before_the_mistake';

/** A copy and what was archived since, up to a moment behind the backup. */
async function restoreToMoment(): Promise<void> {
  const archive = join(folder, 'archive');
  mkdirSync(archive, { mode: 0o777 });
  chmodSync(archive, 0o777);
  const archiving = [
    'archive_mode = on',
    `archive_command = 'test ! -f ${archive}/%f && cp %p ${archive}/%f'`,
  ];
  const server = await start(archiving, 'archiving');
  const data = join(folder, 'moment/data');
  const query = (sql: string) => queryOnce(server.url('postgres'), sql);
  await drillRestore(
    server.url('postgres'),
    async () => {
      await baseBackup(server.url('postgres'), data);
      await query(`select pg_create_restore_point('${MOMENT}')`);
    },
    async () => {
      await query('select pg_switch_wal()');
      await untilArchived(query);
      writeFileSync(join(data, 'recovery.signal'), '');
      const restored = await start(
        [
          'archive_mode = off',
          `restore_command = 'cp ${archive}/%f %p'`,
          `recovery_target_name = '${MOMENT}'`,
          `recovery_target_action = promote`,
        ],
        'moment',
      );
      await untilPromoted(restored.url('postgres'));
      return restored.url('postgres');
    },
  );
}

/** A logical copy, into an empty database of a new server. */
async function restoreDump(): Promise<void> {
  const server = await start([], 'dumped');
  const file = join(folder, 'pantoken.dump');
  await drillRestore(
    server.url('postgres'),
    async () => {
      await run('pg_dump', '--format=custom', '--file', file, server.url('postgres'));
    },
    async () => {
      const empty = await start([], 'empty');
      const target = ['--exit-on-error', '--no-owner', '--dbname', empty.url('postgres')];
      await run('pg_restore', ...target, file);
      return empty.url('postgres');
    },
  );
}

async function untilArchived(
  query: (sql: string) => Promise<readonly Record<string, unknown>[]>,
): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const [row] = await query(
      `select last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) as done from pg_stat_archiver`,
    );
    if (row?.done === true) return;
    await sleep(100);
  }
  throw new Error('the log is not archived');
}

async function untilPromoted(url: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const [row] = await queryOnce(url, 'select pg_is_in_recovery() as recovering');
    if (row?.recovering === false) return;
    await sleep(100);
  }
  throw new Error('it does not come to its moment');
}

try {
  for (const drill of [restoreBaseBackup, restoreToMoment, restoreDump]) {
    await drill();
    process.stdout.write(
      `${drill.name}: everything before it is served, what it lacks is noticed\n`,
    );
  }
} finally {
  for (const server of running) await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
