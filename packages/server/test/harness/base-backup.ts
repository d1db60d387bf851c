import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { PostgresServer } from './postgres.ts';

/** What is of the running server only and not of its data. */
const LEFT_OUT = /\/(?:postmaster\.(?:pid|opts)|pg_wal\/.+|pg_replslot\/.+)$/;

/**
 * Copies the data of a running server, as one moment of it, by the low-level interface for backups
 * (PostgreSQL, "Making a Base Backup Using the Low Level API"): the binaries from npm have no
 * pg_basebackup.
 *
 * @param data the folder to make.
 * @param wal `included`: with the log the copy needs to be whole, so that it starts by itself; the server
 *   must not recycle it meanwhile (`wal_keep_size`). `left out`: it comes from elsewhere.
 */
export async function takeBaseBackup(
  { url, folder }: PostgresServer,
  data: string,
  wal: 'included' | 'left out',
): Promise<void> {
  const source = join(folder, 'data');
  const client = new pg.Client({ connectionString: url('postgres') });
  await client.connect();
  try {
    await client.query(`select pg_backup_start('backup', true)`);
    cpSync(source, data, { recursive: true, filter: (path) => !LEFT_OUT.test(path) });
    const { rows } = await client.query<{ labelfile: string }>(
      'select labelfile from pg_backup_stop(false)',
    );
    writeFileSync(join(data, 'backup_label'), rows[0]?.labelfile ?? '');
  } finally {
    await client.end();
  }
  if (wal === 'included') cpSync(join(source, 'pg_wal'), join(data, 'pg_wal'), { recursive: true });
}
