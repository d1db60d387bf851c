/**
 * The one thread that writes to a SQLite database. It takes a batch of units, makes them durable in
 * one transaction and answers with their outcomes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Conflict } from '../usecase/ports.ts';
import { type BatchMessage, unpackWrites } from './batch-message.ts';
import { SQLITE } from './dialect.ts';
import type { WriterAnswer } from './sqlite.ts';
import { WRITES, type Write, type WriteName } from './statements.ts';

const { path } = workerData as { path: string };
assert(parentPort, 'this file runs as a worker');
const port = parentPort;

const database = new DatabaseSync(path, { timeout: 5_000 });
database.exec('pragma synchronous = full');
const prepared = new Map<WriteName, StatementSync>();

/** The audit blocks of this run of this writer are one chain. */
const chain = randomBytes(8).toString('hex');
let position = 0;

port.on('message', (message: BatchMessage | 'close') => {
  if (message === 'close') {
    database.close();
    port.close();
    return;
  }
  port.postMessage(answer(message));
});

function answer(message: BatchMessage): WriterAnswer {
  try {
    database.exec('begin immediate');
    const conflicts = new Map<number, Conflict>();
    for (const [unit, writes] of unpackWrites(message)) {
      const conflict = writeUnit(writes);
      if (conflict !== undefined) conflicts.set(unit, conflict);
    }
    const isAudited = writeAuditBlock(message, conflicts);
    database.exec('commit');
    if (isAudited) position++;
    return { conflicts };
  } catch (error) {
    if (database.isTransaction) database.exec('rollback');
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

function writeUnit(writes: readonly Write[]): Conflict | undefined {
  // One statement is whole or nothing by itself; several need a savepoint to go back to.
  const needsSavepoint = writes.length > 1;
  if (needsSavepoint) database.exec('savepoint unit');
  try {
    for (const { name, values } of writes) statementOf(name).run(...values);
  } catch (error) {
    const conflict = SQLITE.conflictOf(error);
    if (conflict === undefined) throw error;
    if (needsSavepoint) database.exec('rollback to unit; release unit');
    return conflict;
  }
  if (needsSavepoint) database.exec('release unit');
  return undefined;
}

/** @returns false when no unit is left to have a record. */
function writeAuditBlock(
  { records, unitCount }: BatchMessage,
  conflicts: ReadonlyMap<number, Conflict>,
): boolean {
  const recordCount = unitCount - conflicts.size;
  if (recordCount === 0) return false;
  const kept =
    conflicts.size === 0
      ? records
      : records
          .split('\n')
          .filter((_, unit) => !conflicts.has(unit))
          .join('\n');
  statementOf('addAuditBlock').run(chain, position + 1, Date.now(), recordCount, kept);
  return true;
}

function statementOf(name: WriteName): StatementSync {
  const statement = prepared.get(name) ?? database.prepare(SQLITE.spell(WRITES[name]));
  prepared.set(name, statement);
  return statement;
}
