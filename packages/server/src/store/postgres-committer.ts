import type pg from 'pg';
import { type ChainHead, headOfOpening, tipOf } from '../audit/block.ts';
import type { CommitOutcome, Conflict } from '../usecase/ports.ts';
import {
  type ChainNaming,
  encodeBlock,
  openingOf,
  openingValues,
  predecessorOf,
} from './audit-chain.ts';
import { type BulkWrite, gatherWrites, leaveWrites } from './bulk-writes.ts';
import { POSTGRES, UNIQUE_VIOLATION } from './dialect.ts';
import type { Committer, EncodedUnit } from './ledger.ts';
import { type Connections, sqlStateOf } from './postgres-connection.ts';
import {
  BULK_WRITES,
  READS,
  type Row,
  type SqlValue,
  WRITES,
  type WriteName,
} from './statements.ts';

interface Notice {
  readonly severity?: string | undefined;
  readonly message?: string | undefined;
}

/** The audit block is written first, and so fails first when this very batch is there already. */
const FENCE = 'audit_block_pkey';

type Attempt =
  | { readonly kind: 'committed' }
  /** `index` undefined: of one of several units. */
  | { readonly kind: 'conflict'; readonly index: number | undefined; readonly conflict: Conflict }
  | { readonly kind: 'already_committed' };

/**
 * Commits batches to PostgreSQL, each in one transaction and one round trip. A lane is an
 * organization: no transaction reaches over two of them.
 *
 * A connection that is lost while a commit is under way leaves open whether it was kept. The batch
 * is then sent again under the same place in its audit chain, which is unique: if the first one was
 * kept, or is still to be, the second one fails there and nowhere else. So a batch is kept exactly
 * once, however often it is sent.
 */
export function makePostgresCommitter(connections: Connections): Committer {
  /** The audit blocks of one lane of one run of this node are one chain. */
  const chains = new Map<string, ChainHead>();
  let naming: ChainNaming = { node: 'node', floor: 0 };

  return {
    laneOf,
    tips: () => [...chains.values()].map(tipOf),
    nameChains(given) {
      naming = given;
    },

    async commitBatch(units) {
      const [first] = units;
      if (first === undefined) return [];
      const lane = laneOf(first);
      try {
        const before = chains.get(lane) ?? (await beginChain(connections, naming));
        const { outcomes, head } = await commit(connections, before, units);
        chains.set(lane, head);
        return outcomes;
      } catch (error) {
        // Whether this place is taken is not known: the next batch begins a chain of its own.
        chains.delete(lane);
        throw error;
      }
    },
  };
}

function laneOf({ organization }: EncodedUnit): string {
  return organization === undefined ? 'service' : String(organization);
}

/** So many nodes may begin a chain at the same moment, each of them once. */
const BEGIN_TRIES = 50;

/**
 * Begins a chain behind the one with the highest number. Of several nodes that take the same number
 * one gets it, and the others take the next.
 */
async function beginChain(connections: Connections, naming: ChainNaming): Promise<ChainHead> {
  for (let tries = 0; tries < BEGIN_TRIES; tries++) {
    // The id is made inside: when this is repeated over a new connection, another chain is begun.
    const head = await connections.use(async (client) => {
      const [chain] = (await read(client, 'lastAuditChain', [])).rows;
      const [block] = chain
        ? (await read(client, 'lastAuditBlock', [chain.chain ?? null])).rows
        : [];
      const opening = openingOf(naming, predecessorOf(chain, block), Date.now());
      try {
        await run(client, 'addAuditChain', openingValues(opening));
        return headOfOpening(opening);
      } catch (error) {
        if (sqlStateOf(error) === UNIQUE_VIOLATION) return undefined;
        throw error;
      }
    });
    if (head !== undefined) return head;
  }
  throw new Error('no number for an audit chain could be taken');
}

async function commit(
  connections: Connections,
  before: ChainHead,
  units: readonly EncodedUnit[],
): Promise<{ outcomes: readonly CommitOutcome[]; head: ChainHead }> {
  let head = before;
  let isGathered = true;
  const conflicts = new Map<EncodedUnit, Conflict>();
  for (;;) {
    const remaining = units.filter((unit) => !conflicts.has(unit));
    if (remaining.length === 0) break;
    const lines = remaining.map(({ auditLine }) => auditLine);
    const block = encodeBlock(before, lines, Date.now());
    const attempt = await connections.use((client) =>
      send(client, block.values, remaining, isGathered),
    );
    if (attempt.kind === 'conflict') {
      const unit = attempt.index === undefined ? undefined : remaining[attempt.index];
      if (unit !== undefined) conflicts.set(unit, attempt.conflict);
      // Where there is one conflict there may be many: they are found in one go.
      const more = await connections.use((client) => findConflicts(client, remaining));
      for (const [each, conflict] of more) conflicts.set(each, conflict);
      // What was in the way of several may be gone, or go with one of them: each for itself, the next time.
      if (unit === undefined && more.size === 0) isGathered = false;
      continue;
    }
    if (attempt.kind === 'already_committed') {
      await connections.use(demandDurable);
    }
    head = block.head;
    break;
  }
  const outcomes = units.map((unit): CommitOutcome => {
    const conflict = conflicts.get(unit);
    return conflict === undefined ? { committed: true } : { committed: false, conflict };
  });
  return { outcomes, head };
}

/** Sends a whole transaction at once; an error on the way makes its `commit` a rollback. */
async function send(
  client: pg.PoolClient,
  block: readonly SqlValue[],
  units: readonly EncodedUnit[],
  isGathered: boolean,
): Promise<Attempt> {
  if (units.every(({ writes }) => writes.length === 0)) return sendAlone(client, block);
  const owners: (number | undefined)[] = [undefined, undefined];
  const queries: Promise<pg.QueryResult>[] = [
    client.query('begin'),
    run(client, 'addAuditBlock', block),
  ];
  const { together, apart } = isGathered ? gatherWrites(units) : leaveWrites(units);
  for (const each of together) {
    queries.push(runMany(client, each));
    owners.push(undefined);
  }
  for (const [index, writes] of apart.entries()) {
    for (const { name, values } of writes) {
      queries.push(run(client, name, values));
      owners.push(index);
    }
  }
  const results = await Promise.allSettled([...queries, commitNow(client)]);
  const failed = results.findIndex(({ status }) => status === 'rejected');
  const failure = results[failed];
  if (failure?.status !== 'rejected') return { kind: 'committed' };
  const { reason } = failure;
  if (isFence(reason)) return { kind: 'already_committed' };
  const conflict = POSTGRES.conflictOf(reason);
  if (conflict === undefined) throw reason;
  return { kind: 'conflict', index: owners[failed], conflict };
}

/** Inquiries write nothing but their audit block: one statement is its own transaction. */
async function sendAlone(client: pg.PoolClient, block: readonly SqlValue[]): Promise<Attempt> {
  try {
    await durably(client, () => run(client, 'addAuditBlock', block));
    return { kind: 'committed' };
  } catch (error) {
    if (isFence(error)) return { kind: 'already_committed' };
    throw error;
  }
}

/** Which of the units cannot be kept, found by trying them in a transaction that is rolled back. */
async function findConflicts(
  client: pg.PoolClient,
  units: readonly EncodedUnit[],
): Promise<ReadonlyMap<EncodedUnit, Conflict>> {
  const conflicts = new Map<EncodedUnit, Conflict>();
  await client.query('begin');
  for (const unit of units) {
    const results = await Promise.allSettled([
      client.query('savepoint unit'),
      ...unit.writes.map(({ name, values }) => run(client, name, values)),
    ]);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure === undefined) continue;
    const conflict = POSTGRES.conflictOf(failure.reason);
    if (conflict === undefined) throw failure.reason;
    conflicts.set(unit, conflict);
    await client.query('rollback to savepoint unit');
  }
  await client.query('rollback');
  return conflicts;
}

/**
 * The batch was found as already kept. Another session's commit may show before the standby has it,
 * but a commit of our own, later in the same log, is answered only after.
 */
async function demandDurable(client: pg.PoolClient): Promise<void> {
  await Promise.all([client.query('begin'), run(client, 'touchDirectory', []), commitNow(client)]);
}

/**
 * @throws {Error} when it became a rollback, or when PostgreSQL gave up waiting for the standby: that
 *   commits on one server only and is told by a warning.
 */
function commitNow(client: pg.PoolClient): Promise<pg.QueryResult> {
  return durably(client, async () => {
    const result = await client.query('commit');
    if (result.command !== 'COMMIT') throw new Error('the transaction was rolled back');
    return result;
  });
}

/** @throws {Error} when PostgreSQL warned: a commit that is on one server only is told by a warning. */
async function durably<T>(client: pg.PoolClient, commit: () => Promise<T>): Promise<T> {
  let warning: string | undefined;
  const onNotice = ({ severity, message }: Notice) => {
    if (severity === 'WARNING') warning = message ?? 'warning';
  };
  client.on('notice', onNotice);
  try {
    const result = await commit();
    if (warning !== undefined) throw new Error(`committed without its standby: ${warning}`);
    return result;
  } finally {
    client.off('notice', onNotice);
  }
}

function run(
  client: pg.PoolClient,
  name: WriteName,
  values: readonly SqlValue[],
): Promise<pg.QueryResult> {
  return client.query({ name, text: POSTGRES.spell(WRITES[name]), values: [...values] });
}

function runMany(client: pg.PoolClient, { name, values }: BulkWrite): Promise<pg.QueryResult> {
  const text = POSTGRES.spell(BULK_WRITES[name]);
  return client.query({ name: `${name}, many`, text, values: [...values] });
}

function read(
  client: pg.PoolClient,
  name: 'lastAuditChain' | 'lastAuditBlock',
  values: readonly SqlValue[],
): Promise<pg.QueryResult<Row>> {
  return client.query<Row>({ name, text: POSTGRES.spell(READS[name]), values: [...values] });
}

function isFence(error: unknown): boolean {
  const { constraint } = error as { constraint?: string };
  return sqlStateOf(error) === UNIQUE_VIOLATION && (constraint ?? '').startsWith(FENCE);
}
