import type pg from 'pg';
import { POSTGRES } from './dialect.ts';
import { type Connections, isWorthRepeating } from './postgres-connection.ts';
import {
  BULK_READS,
  READS,
  type Reader,
  type ReadName,
  type Row,
  type SqlValue,
} from './statements.ts';

interface WaitingRead {
  readonly name: ReadName;
  readonly values: readonly SqlValue[];
  resolve(rows: readonly Row[]): void;
  reject(error: unknown): void;
}

/** What is sent as one query, and who waits for which of its rows. */
interface SentRead {
  readonly query: pg.QueryConfig;
  answer(rows: readonly Row[]): void;
  reject(error: unknown): void;
}

/** One connection takes at most so many queries at once; more go to another beside it. */
const QUERIES_MAX = 64;

/** So many look-ups are at most one query. */
const BULK_MAX = 256;

/**
 * Reads of one turn of the event loop go together over one connection, without waiting for each other's
 * answers: borrowing a connection for each costs more than the query itself. Look-ups of the same kind
 * are one query, which costs both sides a fraction of as many.
 */
export function makePostgresReader(connections: Connections): Reader {
  let waiting: WaitingRead[] = [];

  async function send(reads: readonly SentRead[]): Promise<void> {
    try {
      const results = await connections.use((client) => queryAll(client, reads));
      for (const [index, { answer, reject }] of reads.entries()) {
        const result = results[index];
        if (result?.status === 'fulfilled') answer(result.value.rows);
        else reject(result?.reason);
      }
    } catch (error) {
      for (const { reject } of reads) reject(error);
    }
  }

  function flush(): void {
    const reads = gather(waiting);
    waiting = [];
    for (let at = 0; at < reads.length; at += QUERIES_MAX) {
      void send(reads.slice(at, at + QUERIES_MAX));
    }
  }

  return {
    read(name, values) {
      return new Promise((resolve, reject) => {
        if (waiting.push({ name, values, resolve, reject }) === 1) setImmediate(flush);
      });
    },
  };
}

/** Look-ups that differ only in what is sought become one. */
function gather(waiting: readonly WaitingRead[]): readonly SentRead[] {
  const sent: SentRead[] = [];
  const groups = new Map<string, WaitingRead[]>();
  for (const read of waiting) {
    if (!isBulkName(read.name)) {
      sent.push(single(read));
      continue;
    }
    const kind = [read.name, ...read.values.toSpliced(SOUGHT[read.name], 1)].join(' ');
    const group = groups.get(kind);
    if (group === undefined) groups.set(kind, [read]);
    else group.push(read);
  }
  for (const group of groups.values()) {
    for (let at = 0; at < group.length; at += BULK_MAX) {
      sent.push(bulk(group.slice(at, at + BULK_MAX)));
    }
  }
  return sent;
}

type BulkName = keyof typeof BULK_READS;

/** Where the parameter stands that a bulk read has many of. */
const SOUGHT: Readonly<Record<BulkName, number>> = {
  findCardByIndex: 2,
  findCardByToken: 2,
  findTermsByIndex: 1,
  listChanges: 1,
};

const isBulkName = (name: ReadName): name is BulkName => name in BULK_READS;

function single({ name, values, resolve, reject }: WaitingRead): SentRead {
  const query = { name, text: POSTGRES.spell(READS[name]), values: [...values] };
  return { query, answer: resolve, reject };
}

/** @param reads at least one; of one name, which has a bulk form, and alike but for what is sought. */
function bulk(reads: readonly WaitingRead[]): SentRead {
  const [first] = reads;
  if (first === undefined || !isBulkName(first.name)) throw new Error('nothing to gather');
  if (reads.length === 1) return single(first);
  const place = SOUGHT[first.name];
  const sought = reads.map(({ values }) => values[place]);
  return {
    query: {
      name: `${first.name}Bulk`,
      text: POSTGRES.spell(BULK_READS[first.name]),
      values: first.values.with(place, sought as never) as unknown[],
    },
    answer(rows) {
      const found = new Map<unknown, Row[]>();
      for (const row of rows) {
        const known = found.get(row.sought);
        if (known === undefined) found.set(row.sought, [row]);
        else known.push(row);
      }
      for (const { values, resolve } of reads) resolve(found.get(nameOf(values[place])) ?? []);
    },
    reject(error) {
      for (const { reject } of reads) reject(error);
    },
  };
}

/** As the column `sought` names it. */
function nameOf(value: SqlValue | undefined): SqlValue | undefined {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}

/** @throws {Error} when the connection failed: then none of them counts, and all are sent again. */
async function queryAll(client: pg.PoolClient, reads: readonly SentRead[]) {
  const results = await Promise.allSettled(reads.map(({ query }) => client.query<Row>(query)));
  for (const result of results) {
    if (result.status === 'rejected' && isWorthRepeating(result.reason)) throw result.reason;
  }
  return results;
}
