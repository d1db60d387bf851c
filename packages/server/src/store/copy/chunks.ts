import type { SqlValue } from '../statements.ts';
import type { Side } from './side.ts';
import type { Column, Table } from './tables.ts';
import { compareKeys, digestRows, readKey, type Values, writeKey } from './values.ts';

/** Rows of one partition with keys above those of the chunk before it, up to `hi`. */
export interface Chunk {
  readonly table: Table;
  /** The value of the partition, or none. */
  readonly part: Values;
  /** Undefined: from the beginning. */
  readonly lo: Values | undefined;
  readonly hi: Values;
  rowCount: number;
  /** Undefined: not known, or not any more. */
  sourceDigest: string | undefined;
  targetDigest: string | undefined;
}

/** The chunks of one partition, in order. */
interface Part {
  readonly table: Table;
  readonly part: Values;
  readonly chunks: Chunk[];
}

/** All that has been copied so far, as it is kept in the target. */
export interface Chunks {
  /** The chunk that would hold a key; undefined: it lies behind what has been copied. */
  chunkOf(table: Table, key: Values): Chunk | undefined;
  /** The last key of a partition that has been copied. */
  endOf(table: Table, part: Values): Values | undefined;
  add(chunk: Chunk): void;
  list(): readonly Chunk[];
}

export function makeChunks(): Chunks {
  const parts = new Map<string, Part>();
  const nameOf = (table: Table, part: Values) =>
    `${table.name} ${writeKey(partColumns(table), part)}`;
  return {
    chunkOf(table, key) {
      const [part, range] = splitKey(table, key);
      const { chunks = [] } = parts.get(nameOf(table, part)) ?? {};
      return chunks[firstFrom(chunks, range)];
    },
    endOf: (table, part) => parts.get(nameOf(table, part))?.chunks.at(-1)?.hi,
    add(chunk) {
      const { table, part } = chunk;
      const known = parts.get(nameOf(table, part));
      if (known === undefined) parts.set(nameOf(table, part), { table, part, chunks: [chunk] });
      else known.chunks.push(chunk);
    },
    list: () => [...parts.values()].flatMap(({ chunks }) => chunks),
  };
}

/** The index of the first chunk that ends at or behind a key. */
function firstFrom(chunks: readonly Chunk[], key: Values): number {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const chunk = chunks[middle];
    if (chunk !== undefined && compareKeys(chunk.hi, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function partColumns({ partition }: Table): readonly Column[] {
  return partition === undefined ? [] : [partition];
}

function splitKey(table: Table, key: Values): [Values, Values] {
  const count = partColumns(table).length;
  return [key.slice(0, count), key.slice(count)];
}

/** The key of a row. */
export function keyOfRow({ columns, key }: Table, row: Values): Values {
  return key.map(({ name }) => row[columns.findIndex((column) => column.name === name)] ?? null);
}

/** Rows of a partition, above `lo` and up to `hi`, in the order of their keys. */
export async function readRange(
  side: Side,
  table: Table,
  part: Values,
  { lo, hi, limit }: { lo: Values | undefined; hi?: Values; limit?: number },
): Promise<readonly Values[]> {
  const values: SqlValue[] = [...part];
  const range = table.range.map((column) => keyTerm(side, column));
  const bound = (operator: string, key: Values) => {
    const places = key.map((_, index) => `$${values.length + index + 1}`).join(', ');
    values.push(...key);
    return `(${range.join(', ')}) ${operator} (${places})`;
  };
  const where = [
    ...partColumns(table).map(({ name }) => `${name} = $1`),
    ...(lo === undefined ? [] : [bound('>', lo)]),
    ...(hi === undefined ? [] : [bound('<=', hi)]),
  ];
  const columns = table.columns.map(({ name }) => name).join(', ');
  const condition = where.length === 0 ? '' : `where ${where.join(' and ')}`;
  return side.all(
    `select ${columns} from ${table.name} ${condition} order by ${range.join(', ')}
      ${limit === undefined ? '' : `limit ${limit}`}`,
    values,
  );
}

function keyTerm(side: Side, { name, type }: Column): string {
  return type === 'text' ? side.bytewise(name) : name;
}

/** The values the partitions of a table have, one seek each; `[[]]` where it has no partitions. */
export async function listParts(side: Side, table: Table): Promise<readonly Values[]> {
  const { name, partition } = table;
  if (partition === undefined) return [[]];
  const parts: Values[] = [];
  const select = (condition: string) =>
    `select ${partition.name} from ${name} ${condition} order by ${partition.name} limit 1`;
  let [next] = await side.all(select(''));
  while (next !== undefined) {
    parts.push(next);
    [next] = await side.all(select(`where ${partition.name} > $1`), next);
  }
  return parts;
}

/** @returns how many rows a chunk has on this side, and their digest. */
export async function digestChunk(
  side: Side,
  chunk: Chunk,
  key: Uint8Array,
): Promise<{ count: number; digest: string }> {
  const rows = await readRange(side, chunk.table, chunk.part, chunk);
  return { count: rows.length, digest: digestRows(key, rows) };
}

/** Writes down how far a copy has come, with the rows themselves. */
export async function saveChunks(target: Side, chunks: readonly Chunk[]): Promise<void> {
  await target.each(
    `insert into copy_chunk (tbl, part, hi, row_count, source_digest, target_digest)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (tbl, part, hi) do update set row_count = excluded.row_count,
       source_digest = excluded.source_digest, target_digest = excluded.target_digest`,
    chunks.map((chunk) => [
      ...[chunk.table.name, writeKey(partColumns(chunk.table), chunk.part)],
      ...[writeKey(chunk.table.range, chunk.hi), chunk.rowCount],
      ...[chunk.sourceDigest ?? null, chunk.targetDigest ?? null],
    ]),
  );
}

/** What {@link saveChunks} wrote. */
export async function loadChunks(target: Side, tables: readonly Table[]): Promise<Chunks> {
  const chunks = makeChunks();
  const rows = await target.all(
    'select tbl, part, hi, row_count, source_digest, target_digest from copy_chunk',
  );
  const read = rows.map(([name, part, hi, rowCount, sourceDigest, targetDigest]) => {
    const table = tables.find((each) => each.name === name);
    if (table === undefined)
      throw new Error(`the copy knows a table ${name}, this program does not`);
    return {
      table,
      part: readKey(partColumns(table), String(part)),
      hi: readKey(table.range, String(hi)),
      rowCount: Number(rowCount),
      sourceDigest: (sourceDigest ?? undefined) as string | undefined,
      targetDigest: (targetDigest ?? undefined) as string | undefined,
    };
  });
  for (const table of tables) {
    const own = read.filter((chunk) => chunk.table === table);
    for (const chunk of own.sort((a, b) => compareKeys(a.hi, b.hi))) {
      chunks.add({ ...chunk, lo: chunks.endOf(table, chunk.part) });
    }
  }
  return chunks;
}
