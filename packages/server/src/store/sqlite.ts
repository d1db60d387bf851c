import { closeSync, openSync } from 'node:fs';
import { extname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { ChainTip } from '../audit/block.ts';
import type { CommitOutcome } from '../usecase/ports.ts';
import type { Committer, EncodedUnit } from './ledger.ts';
import { pendingMigrations } from './migrations.ts';
import { READS, type Reader, type ReadName, type Row } from './statements.ts';

/** What the writer answers to a batch. */
export type WriterAnswer =
  | { readonly outcomes: readonly CommitOutcome[]; readonly tip: ChainTip | undefined }
  | { readonly failure: string };

/** What the writer is started with. */
export interface WriterData {
  readonly path: string;
  /** What this node is called in its audit chains. */
  readonly node: string;
}

/** What the writer is asked to make durable. */
export interface WriterOrder {
  readonly units: readonly EncodedUnit[];
  readonly chainFloor: number;
}

/** An open SQLite database: reads on this thread, writes in a worker. */
export interface SqliteStore {
  readonly reader: Reader;
  readonly committer: Committer;
  /** Resolves when the last batch is written and the file is closed. */
  close(): Promise<void>;
}

/**
 * Opens, and if need be creates, the database of the embedded default: one file, write-ahead log,
 * `synchronous=FULL`. Writes run in a worker, so that a slow disk never stops the event loop; reads
 * take some microseconds and run right here.
 *
 * @param node what this node is called in its audit chains.
 * @throws {Error} when the file is no database, or one of a newer program.
 */
export function openSqlite(path: string, node = 'node'): SqliteStore {
  closeSync(openSync(path, 'a', 0o600)); // SQLite gives its log files the mode of the database.
  const database = new DatabaseSync(path, { timeout: 5_000 });
  database.exec('pragma journal_mode = wal; pragma synchronous = full;');
  migrate(database);
  database.exec('pragma query_only = on');
  const writer = startWriter({ path, node });
  return {
    reader: makeReader(database),
    committer: writer.committer,
    async close() {
      await writer.close();
      database.close();
    },
  };
}

/** `$1` is a named parameter to SQLite; `?1` is the numbered one that PostgreSQL writes `$1`. */
export function toSqlite(sql: string): string {
  return sql.replaceAll(/\$(\d+)/g, '?$1').replaceAll('/*clustered*/', ' without rowid');
}

function migrate(database: DatabaseSync): void {
  database.exec(
    'create table if not exists schema_version (version integer primary key, applied_at bigint not null)',
  );
  const row = database.prepare('select max(version) as version from schema_version').get();
  for (const { version, sql } of pendingMigrations(Number(row?.version ?? 0))) {
    database.exec('begin immediate');
    try {
      database.exec(toSqlite(sql));
      database.prepare('insert into schema_version values (?, ?)').run(version, Date.now());
      database.exec('commit');
    } catch (error) {
      database.exec('rollback');
      throw error;
    }
  }
}

function makeReader(database: DatabaseSync): Reader {
  const prepared = new Map<ReadName, StatementSync>();
  return {
    async read(name, values) {
      const statement = prepared.get(name) ?? database.prepare(toSqlite(READS[name]));
      prepared.set(name, statement);
      return statement.all(...values) as unknown as Row[];
    },
  };
}

function startWriter(workerData: WriterData): { committer: Committer; close(): Promise<void> } {
  const file = `./sqlite-writer${extname(import.meta.filename)}`;
  const worker = new Worker(new URL(file, import.meta.url), { workerData });
  worker.unref();
  let underWay: Promise<unknown> = Promise.resolve();
  let tip: ChainTip | undefined;
  let chainFloor = 0;

  async function ask(units: readonly EncodedUnit[]): Promise<readonly CommitOutcome[]> {
    worker.ref(); // A process does not end while a batch is being written.
    const answer = new Promise<WriterAnswer>((resolve) => worker.once('message', resolve));
    const order: WriterOrder = { units, chainFloor };
    worker.postMessage(order);
    const result = await answer;
    worker.unref();
    if ('failure' in result) throw new Error(result.failure);
    tip = result.tip;
    return result.outcomes;
  }

  return {
    committer: {
      reserveChains(through) {
        chainFloor = through;
      },
      tips: () => (tip === undefined ? [] : [tip]),
      commitBatch(units) {
        const answer = ask(units);
        underWay = answer.catch(() => undefined);
        return answer;
      },
    },
    async close() {
      await underWay;
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      worker.ref();
      worker.postMessage('close');
      await ended;
    },
  };
}
