import { closeSync, existsSync, openSync } from 'node:fs';
import { extname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { ChainTip } from '../audit/block.ts';
import type { CommitOutcome, Conflict } from '../usecase/ports.ts';
import type { ChainNaming } from './audit-chain.ts';
import { type BatchMessage, packBatch } from './batch-message.ts';
import { SQLITE } from './dialect.ts';
import type { Store } from './engine.ts';
import type { Committer, EncodedUnit } from './ledger.ts';
import { migrate, type SchemaConnection } from './migrate.ts';
import { openSqliteClaimer } from './sqlite-claimer.ts';
import { READS, type Reader, type ReadName, type Row, type SqlValue } from './statements.ts';

/** What the writer answers to a batch. */
export type WriterAnswer =
  | {
      /** By the index of the unit; all others are committed. */
      readonly conflicts: ReadonlyMap<number, Conflict>;
      readonly tip: ChainTip | undefined;
    }
  | { readonly failure: string };

/** What the writer is asked to make durable. */
export interface WriterOrder {
  readonly batch: BatchMessage;
  readonly chains: ChainNaming;
}

/**
 * What may be cached of the file; a smaller one uses no more than itself. The file is not mapped into
 * memory: after each commit SQLite would give up the mapping and every page of it would be faulted in
 * anew, which cost an inquiry a tenth of its time.
 */
const CACHED_KIB = 256 * 1024;

/** How long another process may hold the file while it changes the schema. */
const SCHEMA_TIMEOUT_MS = 60_000;

/**
 * Opens, and if need be creates, the database of the embedded default: one file, write-ahead log,
 * `synchronous=FULL`, its schema brought up to date. Writes run in a worker, so that a slow disk never
 * stops the event loop; reads take some microseconds and run right here.
 *
 * @throws {Error} when the file is no database, or one of a newer program.
 */
export async function openSqlite(path: string): Promise<Store> {
  // SQLite gives its log files the mode of the database. One that is there is not touched: closing it
  // would let go of the locks that another connection of this process holds on it.
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  await useSqliteSchema(path, async (schema) => {
    await schema.run('pragma journal_mode = wal; pragma synchronous = full;');
    await migrate(schema);
  });
  const database = new DatabaseSync(path, { timeout: 5_000 });
  database.exec(`pragma query_only = on; pragma cache_size = -${CACHED_KIB};`);
  const reader = makeReader(database);
  const writer = startWriter(path, reader.endTurn);
  const claimer = openSqliteClaimer(path, reader.endTurn);
  return {
    reader,
    committer: writer.committer,
    claimer,
    async close() {
      await writer.close();
      claimer.close();
      reader.endTurn();
      database.close();
    },
  };
}

/**
 * Lends a connection for migrations and inspection. The file must be there.
 *
 * @throws {Error} when the file is no database.
 */
export async function useSqliteSchema<T>(
  path: string,
  work: (schema: SchemaConnection) => Promise<T>,
): Promise<T> {
  const database = new DatabaseSync(path, { timeout: SCHEMA_TIMEOUT_MS });
  try {
    return await work({
      dialect: SQLITE,
      async run(sql) {
        if (/^\s*select\b/.test(sql)) return database.prepare(sql).all() as unknown as Row[];
        database.exec(sql);
        return [];
      },
    });
  } finally {
    database.close();
  }
}

/** A reader that can be told that there is something new to read. */
interface TurnReader extends Reader {
  endTurn(): void;
}

/**
 * Reads of one turn of the event loop share a read transaction: after each commit of the writer,
 * SQLite would find its pages anew for every single read. It ends with the turn, or as soon as a
 * commit of our own is known, so that whatever was committed before a read was asked for is seen.
 */
function makeReader(database: DatabaseSync): TurnReader {
  const prepared = new Map<ReadName, PreparedRead>();
  const begin = database.prepare('begin');
  const commit = database.prepare('commit');
  let turn: NodeJS.Immediate | undefined;

  function endTurn(): void {
    if (turn === undefined) return;
    clearImmediate(turn);
    turn = undefined;
    // After an error of the disk SQLite has ended the transaction by itself.
    if (database.isTransaction) commit.run();
  }

  return {
    endTurn,
    async read(name, values) {
      if (turn === undefined) {
        begin.run();
        turn = setImmediate(endTurn);
      }
      let known = prepared.get(name);
      if (known === undefined) {
        known = prepareRead(database, SQLITE.spell(READS[name]));
        prepared.set(name, known);
      }
      const { statement, columns } = known;
      const found = statement.all(...values) as unknown as readonly SqlValue[][];
      return found.map((row) => rowOf(columns, row));
    },
  };
}

interface PreparedRead {
  readonly statement: StatementSync;
  readonly columns: readonly string[];
}

/** Rows come as lists: objects made by Node for each of them cost a quarter of a look-up. */
function prepareRead(database: DatabaseSync, sql: string): PreparedRead {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return { statement, columns: statement.columns().map(({ name }) => name) };
}

function rowOf(columns: readonly string[], values: readonly SqlValue[]): Row {
  const row: Record<string, SqlValue> = {};
  for (let at = 0; at < columns.length; at++) row[columns[at] as string] = values[at] as SqlValue;
  return row;
}

/** @param onCommit is called when a batch is durable, before anybody is told. */
function startWriter(
  path: string,
  onCommit: () => void,
): { committer: Committer; close(): Promise<void> } {
  const file = `./sqlite-writer${extname(import.meta.filename)}`;
  const worker = new Worker(new URL(file, import.meta.url), { workerData: { path } });
  let underWay: Promise<unknown> = Promise.resolve();
  let tip: ChainTip | undefined;
  let chains: ChainNaming = { node: 'node', floor: 0 };
  let ending: string | undefined;
  let settle: (answer: WriterAnswer) => void = () => undefined;
  worker.on('message', (answer: WriterAnswer) => {
    onCommit();
    settle(answer);
  });
  worker.on('error', (error) => {
    ending = error.message;
  });
  worker.on('exit', () => {
    ending ??= 'the writer has ended';
    settle({ failure: ending });
  });
  worker.unref(); // Last: a listener for messages holds the process.

  async function ask(units: readonly EncodedUnit[]): Promise<readonly CommitOutcome[]> {
    if (ending !== undefined) throw new Error(ending);
    worker.ref(); // A process does not end while a batch is being written.
    const message = packBatch(units);
    const answer = new Promise<WriterAnswer>((resolve) => {
      settle = resolve;
    });
    const order: WriterOrder = { batch: message, chains };
    worker.postMessage(order, [message.bytes.buffer]);
    const result = await answer;
    worker.unref();
    if ('failure' in result) throw new Error(result.failure);
    const { conflicts } = result;
    tip = result.tip;
    return units.map((_, index) => outcomeOf(conflicts.get(index)));
  }

  return {
    committer: {
      nameChains(naming) {
        chains = naming;
      },
      tips: () => (tip === undefined ? [] : [tip]),
      laneOf: () => 'all', // SQLite has one writer.
      commitBatch(units) {
        const answer = ask(units);
        underWay = answer.catch(() => undefined);
        return answer;
      },
    },
    async close() {
      await underWay;
      if (ending !== undefined) return;
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      worker.ref();
      worker.postMessage('close');
      await ended;
    },
  };
}

function outcomeOf(conflict: Conflict | undefined): CommitOutcome {
  return conflict === undefined ? { committed: true } : { committed: false, conflict };
}
