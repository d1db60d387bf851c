/**
 * What the two databases of a copy say of it: in `copy_state`, which is there from the beginning of a
 * copy to its end, and in `copy_chunk` of the target.
 *
 * @module
 */
import type { Dialect } from '../dialect.ts';
import type { Row } from '../statements.ts';
import type { Side } from './side.ts';

export interface CopyState {
  readonly role: 'source' | 'target';
  /** The id of the copy; the same on both sides. */
  readonly copy: string;
  /** `moved`: the source lets nobody write any more. */
  readonly state: 'copying' | 'moved';
  /** Counts what was done to the target, so that two processes cannot do it at once. */
  readonly step: number;
  /** What the digests of this copy are keyed with, hexadecimal. */
  readonly digestKey: string;
}

const STATE_TABLE = `create table copy_state (role text not null primary key, copy text not null,
  state text not null, step integer not null, digest_key text not null)`;

const CHUNK_TABLE = `create table copy_chunk (tbl text not null, part text not null, hi text not null,
  row_count integer not null, source_digest text, target_digest text, primary key (tbl, part, hi))`;

/** @returns undefined when no copy concerns the database. */
export async function readState(side: Side): Promise<CopyState | undefined> {
  if (!(await hasTable(side, 'copy_state'))) return undefined;
  const [row] = await side.all('select role, copy, state, step, digest_key from copy_state');
  if (row === undefined) return undefined;
  const [role, copy, state, step, digestKey] = row;
  return { role, copy, state, step, digestKey } as unknown as CopyState;
}

/** Says on this side that a copy is under way; in a transaction. */
export async function beginState(
  side: Side,
  state: Pick<CopyState, 'role' | 'copy' | 'digestKey'>,
): Promise<void> {
  const { role, copy, digestKey } = state;
  await side.run(STATE_TABLE);
  if (role === 'target') await side.run(CHUNK_TABLE);
  await side.all(
    `insert into copy_state (role, copy, state, step, digest_key) values ($1, $2, 'copying', 0, $3)`,
    [role, copy, digestKey],
  );
}

export async function markState(side: Side, state: CopyState['state']): Promise<void> {
  await side.all('update copy_state set state = $1', [state]);
}

/** @throws {Error} when another process has gone on with the copy. */
export async function countStep(side: Side, step: number): Promise<number> {
  const rows = await side.all(
    'update copy_state set step = step + 1 where step = $1 returning step',
    [step],
  );
  if (rows.length === 0) throw new Error('another process goes on with this copy');
  return step + 1;
}

/** The copy is over on this side. */
export async function endState(side: Side): Promise<void> {
  await side.run('drop table if exists copy_chunk; drop table if exists copy_state');
}

async function hasTable(side: Side, name: string): Promise<boolean> {
  const sql =
    side.engine === 'sqlite'
      ? `select name from sqlite_master where type = 'table' and name = $1`
      : 'select to_regclass($1)::text';
  const [row] = await side.all(sql, [name]);
  return row !== undefined && row[0] !== null;
}

/** What a service sees of a database before it opens it. */
interface Inspection {
  readonly dialect: Dialect;
  run(sql: string): Promise<readonly Row[]>;
}

/**
 * A database that was moved away, or that a copy has not finished, is not served from.
 *
 * @throws {Error} which says what to do.
 */
export async function refuseCopied({ run }: Inspection): Promise<void> {
  const state = await run('select role, state from copy_state').catch((error: Error) => {
    if (/copy_state/.test(error.message)) return []; // There is no such table: the rule.
    throw error;
  });
  const [row] = state;
  if (row?.role === 'target') {
    throw new Error('a copy into this database is not finished: pantoken db copy --finish');
  }
  if (row?.state === 'moved') {
    throw new Error(
      'this database was moved to another (pantoken db copy): use that one, or see docs/operations.md',
    );
  }
}
