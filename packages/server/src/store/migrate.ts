import { refuseCopied } from './copy/copy-state.ts';
import type { Dialect } from './dialect.ts';
import { type Migration, pendingMigrations } from './migrations.ts';
import type { Row } from './statements.ts';

/** A connection that runs SQL as it is given, one after the other: for migrations only. */
export interface SchemaConnection {
  readonly dialect: Dialect;
  /** Several statements may stand in one text; the rows are those of the last. */
  run(sql: string): Promise<readonly Row[]>;
}

/** What a database has and what it still needs. */
export interface SchemaStatus {
  /** 0: the database is empty. */
  readonly version: number;
  readonly pending: readonly Migration[];
}

/** How often the two tables below are tried, since nodes that start together make them together. */
const BOOTSTRAP_TRIES = 5;

/**
 * The version of the schema, without changing anything.
 *
 * @throws {Error} when the database is newer than this program.
 */
export async function schemaStatus(connection: SchemaConnection): Promise<SchemaStatus> {
  const version = (await hasVersionTable(connection)) ? await readVersion(connection) : 0;
  return { version, pending: pendingMigrations(version, connection.dialect.engine) };
}

/**
 * Brings the schema up to date. Of several nodes that start together one does it, and the others
 * wait for the row it has locked. Each step is one transaction: it is there whole or not at all.
 *
 * @returns the versions that were applied here.
 * @throws {Error} when the database is newer than this program, was moved away, or is the target of a
 *   copy that is not finished.
 */
export async function migrate(connection: SchemaConnection): Promise<readonly number[]> {
  await refuseCopied(connection);
  if ((await schemaStatus(connection)).pending.length === 0) return []; // No lock is taken then.
  await bootstrap(connection);
  const applied: number[] = [];
  for (;;) {
    const version = await applyNext(connection);
    if (version === undefined) return applied;
    applied.push(version);
  }
}

async function applyNext(connection: SchemaConnection): Promise<number | undefined> {
  const { dialect } = connection;
  await connection.run(dialect.begin);
  try {
    await connection.run(`select name from schema_lock where name = 'schema'${dialect.forUpdate}`);
    const [next] = pendingMigrations(await readVersion(connection), dialect.engine);
    if (next !== undefined) {
      await connection.run(dialect.stepLimits + dialect.spell(next.sql));
      await connection.run(
        `insert into schema_version (version, applied_at) values (${next.version}, ${Date.now()})`,
      );
    }
    await connection.run('commit');
    return next?.version;
  } catch (error) {
    await connection.run('rollback').catch(() => undefined); // The connection itself may be gone.
    throw error;
  }
}

async function bootstrap(connection: SchemaConnection): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await connection.run(
        'create table if not exists schema_version (version integer primary key, applied_at bigint not null)',
      );
      await connection.run('create table if not exists schema_lock (name text primary key)');
      await connection.run(
        `insert into schema_lock (name) values ('schema') on conflict do nothing`,
      );
      return;
    } catch (error) {
      // PostgreSQL: "if not exists" still fails when another makes the table at the same moment.
      if (tries === BOOTSTRAP_TRIES) throw error;
    }
  }
}

async function hasVersionTable(connection: SchemaConnection): Promise<boolean> {
  try {
    await readVersion(connection);
    return true;
  } catch (error) {
    if (/schema_version/.test((error as Error).message)) return false;
    throw error;
  }
}

async function readVersion(connection: SchemaConnection): Promise<number> {
  const [row] = await connection.run('select max(version) as version from schema_version');
  return Number(row?.version ?? 0);
}
