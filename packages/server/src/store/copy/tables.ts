import { DatabaseSync } from 'node:sqlite';
import { SQLITE } from '../dialect.ts';
import { readMigrations } from '../migrations.ts';

/** A column, with its type as the migrations spell it. */
export interface Column {
  readonly name: string;
  readonly type: 'integer' | 'bigint' | 'text' | 'bytea';
}

/** A table as a copy sees it. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** The primary key of SQLite's table, whole and in order; no two rows of PostgreSQL's share it either. */
  readonly key: readonly Column[];
  /** The first column of the key where rows are copied one value of it after another. */
  readonly partition: Column | undefined;
  /** The rest of the key: rows of a partition are in its order. */
  readonly range: readonly Column[];
  /** How many rows are copied at once. */
  readonly chunkRows: number;
}

/** What large tables are kept in the order of; each value of it is copied and digested apart. */
const PARTITIONS = ['organization', 'chain'];

const CHUNK_ROWS = 5_000;
/** A block of the audit may hold hundreds of records. */
const AUDIT_CHUNK_ROWS = 500;

/**
 * All tables of the newest schema, by name. They are read off a database that is made for it, so that
 * a table of a later migration is copied without anybody thinking of it.
 *
 * @param chunkRows how many rows are copied at once.
 */
export function readTables(chunkRows = CHUNK_ROWS): readonly Table[] {
  const database = new DatabaseSync(':memory:');
  try {
    for (const { sql } of readMigrations('sqlite')) database.exec(SQLITE.spell(sql));
    const names = database
      .prepare(`select name from sqlite_master where type = 'table' order by name`)
      .all();
    return names.map(({ name }) => readTable(database, String(name), chunkRows));
  } finally {
    database.close();
  }
}

function readTable(database: DatabaseSync, name: string, chunkRows: number): Table {
  const rows = database.prepare('select name, type, pk from pragma_table_info(?)').all(name);
  const columnOf = (row: (typeof rows)[number]): Column => ({
    name: String(row.name),
    type: String(row.type).toLowerCase() as Column['type'],
  });
  const key = rows
    .filter(({ pk }) => Number(pk) > 0)
    .sort((a, b) => Number(a.pk) - Number(b.pk))
    .map(columnOf);
  const [first] = key;
  if (first === undefined) throw new Error(`table ${name} has no primary key`);
  const isPartitioned = key.length > 1 && PARTITIONS.includes(first.name);
  return {
    name,
    columns: rows.map(columnOf),
    key,
    partition: isPartitioned ? first : undefined,
    range: isPartitioned ? key.slice(1) : key,
    chunkRows: name === 'audit_block' ? Math.min(AUDIT_CHUNK_ROWS, chunkRows) : chunkRows,
  };
}
