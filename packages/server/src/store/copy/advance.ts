import {
  type Chunk,
  type Chunks,
  keyOfRow,
  listParts,
  partColumns,
  readRange,
  saveChunks,
} from './chunks.ts';
import { countStep } from './copy-state.ts';
import type { Side } from './side.ts';
import type { Table } from './tables.ts';
import { digestRows, readKey, type Values, writeKey } from './values.ts';

/** A copy that is under way. */
export interface Run {
  readonly source: Side;
  readonly target: Side;
  readonly tables: readonly Table[];
  readonly chunks: Chunks;
  readonly digestKey: Uint8Array;
  /** @see CopyState */
  step: number;
}

/** What one step reads of the source. */
interface Reading {
  /** Log entries that the step deals with. */
  readonly logged: readonly Values[];
  readonly changes: readonly TableChanges[];
  readonly fresh: readonly { readonly chunk: Chunk; readonly rows: readonly Values[] }[];
}

interface TableChanges {
  readonly table: Table;
  readonly keys: readonly Values[];
  /** Those of the keys that are there now. */
  readonly rows: readonly Values[];
}

/** Where the walk over all tables stands. */
export interface Cursor {
  table: number;
  /** Partitions of that table still to be read; undefined: not listed yet. */
  parts: Values[] | undefined;
}

/**
 * Brings the target to one moment of the source, over all that has been copied so far, and copies the
 * next chunk of rows as of the same moment: whatever held of the source holds of the target then, its
 * unique constraints too.
 *
 * @returns how many rows were copied or changed; 0 when the walk is over and nothing had changed.
 */
export async function advance(run: Run, cursor: Cursor): Promise<number> {
  const { source, target, chunks } = run;
  const reading = await source.snapshot(() => read(run, cursor));
  const { logged, changes, fresh } = reading;
  const dirty = new Set<Chunk>();
  for (const { table, keys } of changes) {
    for (const key of keys) {
      const chunk = chunks.chunkOf(table, key);
      if (chunk === undefined) continue;
      chunk.sourceDigest = undefined;
      chunk.targetDigest = undefined;
      dirty.add(chunk);
    }
  }
  if (changes.length > 0 || fresh.length > 0) {
    run.step = await target.transaction(async () => {
      const step = await countStep(target, run.step);
      for (const { table, keys, rows } of changes) await replaceRows(target, table, keys, rows);
      for (const { chunk, rows } of fresh) await target.insert(chunk.table, rows);
      await saveChunks(target, [...dirty, ...fresh.map(({ chunk }) => chunk)]);
      return step;
    });
    for (const { chunk } of fresh) chunks.add(chunk);
  }
  // Only now: a process that is killed before this deals with them again, and nothing is different.
  if (logged.length > 0) {
    await source.transaction(() => source.each('delete from copy_change where id = $1', logged));
  }
  const changed = changes.reduce((sum, { keys }) => sum + keys.length, 0);
  return changed + fresh.reduce((sum, { rows }) => sum + rows.length, 0);
}

async function read(run: Run, cursor: Cursor): Promise<Reading> {
  const { source, tables, chunks } = run;
  const entries = await source.all('select id, tbl, key from copy_change order by id');
  const changes: TableChanges[] = [];
  for (const table of tables) {
    const own = entries.filter(([, name]) => name === table.name);
    const texts = own.map(([, , text]) => writeKey(table.key, readKey(table.key, String(text))));
    const keys = [...new Set(texts)]
      .map((text) => readKey(table.key, text))
      .filter((key) => chunks.chunkOf(table, key) !== undefined); // Others are copied in their turn.
    if (keys.length > 0) changes.push({ table, keys, rows: await readRows(source, table, keys) });
  }
  const logged = entries.map(([id = null]) => [id]);
  return { logged, changes, fresh: await readNext(run, cursor) };
}

/** The next rows that have not been copied, a chunk's worth of however many partitions. */
async function readNext(run: Run, cursor: Cursor): Promise<Reading['fresh']> {
  const { source, tables, chunks, digestKey } = run;
  const fresh: { chunk: Chunk; rows: readonly Values[] }[] = [];
  for (let table = tables[cursor.table]; table !== undefined; table = tables[cursor.table]) {
    cursor.parts ??= [...(await listParts(source, table))];
    let room = table.chunkRows;
    for (let [part] = cursor.parts; part !== undefined; [part] = cursor.parts) {
      const lo = chunks.endOf(table, part);
      const rows = await readRange(source, table, part, { lo, limit: room });
      const last = rows.at(-1);
      if (last !== undefined) {
        const hi = keyOfRow(table, last).slice(partColumns(table).length);
        const sourceDigest = digestRows(digestKey, rows);
        const place = { table, part, lo, hi, rowCount: rows.length };
        fresh.push({ chunk: { ...place, sourceDigest, targetDigest: undefined }, rows });
      }
      room -= rows.length;
      if (room === 0) return fresh; // There may be more of this partition.
      cursor.parts.shift();
    }
    cursor.table++;
    cursor.parts = undefined;
    if (fresh.length > 0) return fresh;
  }
  return fresh;
}

async function readRows(
  source: Side,
  table: Table,
  keys: readonly Values[],
): Promise<readonly Values[]> {
  const columns = table.columns.map(({ name }) => name).join(', ');
  const found = await source.each(`select ${columns} from ${table.name} ${byKey(table)}`, keys);
  return found.flat();
}

/** First all go, then those that are there come: two rows may have exchanged a unique value. */
async function replaceRows(
  target: Side,
  table: Table,
  keys: readonly Values[],
  rows: readonly Values[],
): Promise<void> {
  await target.each(`delete from ${table.name} ${byKey(table)}`, keys);
  await target.insert(table, rows);
}

function byKey({ key }: Table): string {
  return `where ${key.map(({ name }, index) => `${name} = $${index + 1}`).join(' and ')}`;
}
