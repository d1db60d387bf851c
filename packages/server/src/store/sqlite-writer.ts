/**
 * The one thread that writes to a SQLite database. It takes a batch of units, makes them durable in
 * one transaction and answers with their outcomes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { type ChainHead, headOfOpening, tipOf } from '../audit/block.ts';
import type { Conflict } from '../usecase/ports.ts';
import {
  type ChainNaming,
  encodeBlock,
  openingOf,
  openingValues,
  predecessorOf,
} from './audit-chain.ts';
import { type BatchMessage, unpackWrites } from './batch-message.ts';
import { SQLITE } from './dialect.ts';
import type { WriterAnswer, WriterOrder } from './sqlite.ts';
import { makeSqliteNonces } from './sqlite-nonces.ts';
import { READS, type Row, WRITES, type Write, type WriteName } from './statements.ts';

const { path } = workerData as { path: string };
assert(parentPort, 'this file runs as a worker');
const port = parentPort;

const BUSY_TIMEOUT_MS = 5_000;
const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
// A destroyed key is overwritten in the file, too, not only unlinked.
database.exec('pragma synchronous = full; pragma secure_delete = on');
const prepared = new Map<WriteName, StatementSync>();
const nonces = makeSqliteNonces(database);

/** Of the chain that the audit blocks of this run of this writer are; made with the first of them. */
let head: ChainHead | undefined;

port.on('message', (message: WriterOrder | 'close') => {
  if (message === 'close') {
    database.close();
    port.close();
    return;
  }
  port.postMessage(answer(message));
});

function answer({ batch, chains }: WriterOrder): WriterAnswer {
  const isSigned = batch.writes.some(([, name]) => name === 'addNonce');
  let isCommitting = false;
  try {
    // Most of what is new is read before all others have to wait.
    if (isSigned) nonces.catchUp();
    database.exec('begin immediate');
    if (isSigned) nonces.catchUp();
    const conflicts = new Map<number, Conflict>();
    for (const [unit, writes] of unpackWrites(batch)) {
      const conflict = writeUnit(writes);
      if (conflict !== undefined) conflicts.set(unit, conflict);
    }
    const next = writeAuditBlock(keptLines(batch, conflicts), chains);
    isCommitting = true;
    database.exec('commit');
    head = next;
    nonces.keepAdded();
    clearLog(batch);
    return { conflicts, tip: head && tipOf(head) };
  } catch (error) {
    if (database.isTransaction) database.exec('rollback');
    // Perhaps it was kept all the same: what comes next begins a chain of its own.
    else if (isCommitting) head = undefined;
    nonces.dropAdded();
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

/** Numbers that were deleted may still be in the write-ahead log. */
let holdsDeleted = false;
let clearAtMs = 0;

/** A reader holds the log for some microseconds; another process for longer. */
const CLEAR_WAIT_MS = 50;
const CLEAR_EVERY_MS = 1_000;

/** Empties the write-ahead log after a deletion. What stands in its way now is tried again with a later batch. */
function clearLog({ writes }: BatchMessage): void {
  holdsDeleted ||= writes.some(([, name]) => name === 'deleteNumber');
  if (!holdsDeleted || performance.now() < clearAtMs) return;
  clearAtMs = performance.now() + CLEAR_EVERY_MS;
  try {
    database.exec(`pragma busy_timeout = ${CLEAR_WAIT_MS}`);
    const [row] = database.prepare('pragma wal_checkpoint(truncate)').all();
    holdsDeleted = Number(row?.busy) !== 0;
  } catch {
    // The batch is committed, whatever becomes of the log.
  } finally {
    database.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
  }
}

function writeUnit(writes: readonly Write[]): Conflict | undefined {
  // One statement is whole or nothing by itself; several need a savepoint to go back to.
  const needsSavepoint = writes.length > 1;
  if (needsSavepoint) database.exec('savepoint unit');
  const mark = nonces.mark();
  const conflict = writeAll(writes);
  if (conflict !== undefined) {
    nonces.undo(mark);
    if (needsSavepoint) database.exec('rollback to unit');
  }
  if (needsSavepoint) database.exec('release unit');
  return conflict;
}

/** @returns why the rest was not written. */
function writeAll(writes: readonly Write[]): Conflict | undefined {
  for (const { name, values } of writes) {
    try {
      if (name === 'addNonce') {
        if (nonces.add(values)) return 'nonce_taken';
      } else {
        statementOf(name).run(...values);
      }
    } catch (error) {
      const conflict = SQLITE.conflictOf(error);
      if (conflict === undefined) throw error;
      return conflict;
    }
  }
  return undefined;
}

/** The records of the units that are kept. */
function keptLines(
  { records }: BatchMessage,
  conflicts: ReadonlyMap<number, Conflict>,
): readonly string[] {
  return records.split('\n').filter((_, unit) => !conflicts.has(unit));
}

/** @returns the head of the chain once the transaction is committed. */
function writeAuditBlock(lines: readonly string[], chains: ChainNaming): ChainHead | undefined {
  if (lines.length === 0) return head;
  const nowMs = Date.now();
  const block = encodeBlock(head ?? openChain(nowMs, chains), lines, nowMs);
  statementOf('addAuditBlock').run(...block.values);
  return block.head;
}

/** Nobody else can begin a chain meanwhile: this transaction is the only one that writes. */
function openChain(nowMs: number, chains: ChainNaming): ChainHead {
  const chain = database.prepare(SQLITE.spell(READS.lastAuditChain)).get() as Row | undefined;
  const block =
    chain && database.prepare(SQLITE.spell(READS.lastAuditBlock)).get(chain.chain ?? null);
  const opening = openingOf(chains, predecessorOf(chain, block as Row | undefined), nowMs);
  statementOf('addAuditChain').run(...openingValues(opening));
  return headOfOpening(opening);
}

function statementOf(name: WriteName): StatementSync {
  const statement = prepared.get(name) ?? database.prepare(SQLITE.spell(WRITES[name]));
  prepared.set(name, statement);
  return statement;
}
