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
import type { CommitOutcome, Conflict } from '../usecase/ports.ts';
import { encodeBlock, openingOf, openingValues, predecessorOf } from './audit-chain.ts';
import type { EncodedUnit } from './ledger.ts';
import { toSqlite, type WriterAnswer, type WriterData, type WriterOrder } from './sqlite.ts';
import { READS, type Row, WRITES, type WriteName } from './statements.ts';

const { path, node } = workerData as WriterData;
assert(parentPort, 'this file runs as a worker');
const port = parentPort;

const database = new DatabaseSync(path, { timeout: 5_000 });
database.exec('pragma synchronous = full');
const prepared = new Map<WriteName, StatementSync>();

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

function answer({ units, chainFloor }: WriterOrder): WriterAnswer {
  try {
    database.exec('begin immediate');
    const outcomes = units.map(writeUnit);
    const lines = units.filter((_, index) => outcomes[index]?.committed);
    const next = writeAuditBlock(
      lines.map(({ auditLine }) => auditLine),
      chainFloor,
    );
    database.exec('commit');
    head = next;
    return { outcomes, tip: head && tipOf(head) };
  } catch (error) {
    if (database.isTransaction) database.exec('rollback');
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

function writeUnit({ writes }: EncodedUnit): CommitOutcome {
  // One statement is whole or nothing by itself; several need a savepoint to go back to.
  const needsSavepoint = writes.length > 1;
  if (needsSavepoint) database.exec('savepoint unit');
  try {
    for (const { name, values } of writes) statementOf(name).run(...values);
  } catch (error) {
    const conflict = conflictOf(error);
    if (conflict === undefined) throw error;
    if (needsSavepoint) database.exec('rollback to unit; release unit');
    return { committed: false, conflict };
  }
  if (needsSavepoint) database.exec('release unit');
  return { committed: true };
}

/** @returns the head of the chain once the transaction is committed. */
function writeAuditBlock(lines: readonly string[], chainFloor: number): ChainHead | undefined {
  if (lines.length === 0) return head;
  const nowMs = Date.now();
  const block = encodeBlock(head ?? openChain(nowMs, chainFloor), lines, nowMs);
  statementOf('addAuditBlock').run(...block.values);
  return block.head;
}

/** Nobody else can begin a chain meanwhile: this transaction is the only one that writes. */
function openChain(nowMs: number, chainFloor: number): ChainHead {
  const chain = database.prepare(toSqlite(READS.lastAuditChain)).get() as Row | undefined;
  const block = chain && database.prepare(toSqlite(READS.lastAuditBlock)).get(chain.chain ?? null);
  const opening = openingOf(
    node,
    predecessorOf(chain, block as Row | undefined),
    chainFloor,
    nowMs,
  );
  statementOf('addAuditChain').run(...openingValues(opening));
  return headOfOpening(opening);
}

function statementOf(name: WriteName): StatementSync {
  const statement = prepared.get(name) ?? database.prepare(toSqlite(WRITES[name]));
  prepared.set(name, statement);
  return statement;
}

/** SQLite names a broken constraint by its columns. */
const CONFLICTS: readonly (readonly [string, Conflict])[] = [
  ['card_number.organization, card_number.pan_index', 'number_taken'],
  ['card_number.organization, card_number.token', 'token_taken'],
  ['card.organization, card.number_id', 'card_taken'],
  ['account_change.organization, account_change.lineage', 'change_taken'],
  ['organization.', 'registration_taken'],
  ['bin_range.', 'registration_taken'],
  ['caller.', 'registration_taken'],
  ['merchant.', 'registration_taken'],
];

function conflictOf(error: unknown): Conflict | undefined {
  const [, columns] = /^UNIQUE constraint failed: (.*)$/.exec((error as Error).message) ?? [];
  if (columns === undefined) return undefined;
  return CONFLICTS.find(([start]) => columns.startsWith(start))?.[1];
}
