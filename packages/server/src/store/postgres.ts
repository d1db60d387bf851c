import type pg from 'pg';
import { POSTGRES } from './dialect.ts';
import type { Claimer, Store } from './engine.ts';
import type { Committer } from './ledger.ts';
import { migrate, type SchemaConnection } from './migrate.ts';
import { makePostgresCommitter } from './postgres-committer.ts';
import { type Connections, openConnections } from './postgres-connection.ts';
import { type Hints, makeHints } from './postgres-hints.ts';
import { makePostgresReader } from './postgres-reader.ts';
import type { Row } from './statements.ts';
import { CLAIMS } from './watch-statements.ts';

/** Which PostgreSQL, and as whom. */
export interface PostgresPlace {
  /** `postgres://user@host:5432/database`; several hosts with commas between: the primary is found. */
  readonly url: string;
  /** Left out: the one in the URL. */
  readonly password?: string | undefined;
}

/**
 * Opens PostgreSQL and brings its schema up to date.
 *
 * @throws {Error} when no server answers, or the database is one of a newer program.
 */
export async function openPostgres(place: PostgresPlace): Promise<Store> {
  await usePostgresSchema(place, migrate);
  const connections = openConnections(place.url, place.password);
  const hints = makeHints(place, (sql) => connections.use((client) => client.query(sql)));
  return {
    reader: makePostgresReader(connections),
    committer: hinting(makePostgresCommitter(connections), hints),
    hints,
    claimer: makeClaimer(connections),
    close: () => connections.close(),
  };
}

/** Other nodes are told of what is registered, once it is durable; outside of its transaction. */
function hinting(committer: Committer, hints: Hints): Committer {
  return {
    ...committer,
    async commitBatch(units) {
      const outcomes = await committer.commitBatch(units);
      const isOfAll = units.some(({ writes }) =>
        writes.some(({ name }) => name === 'countDirectoryUp' || name === 'countDirectoryUpFrom'),
      );
      if (isOfAll) hints.send();
      return outcomes;
    },
  };
}

/** A step of the schema may take long, and so may waiting for another node's. */
const SCHEMA_TIMEOUT_MS = 600_000;

/**
 * Lends one connection for migrations and inspection.
 *
 * @param work is repeated from its beginning when the connection is lost.
 */
export async function usePostgresSchema<T>(
  place: PostgresPlace,
  work: (schema: SchemaConnection) => Promise<T>,
): Promise<T> {
  const connections = openConnections(place.url, place.password);
  try {
    return await connections.use(async (client) => {
      const run = async (text: string) =>
        rowsOf(await client.query({ text, query_timeout: SCHEMA_TIMEOUT_MS } as pg.QueryConfig));
      const limit = `'${SCHEMA_TIMEOUT_MS}ms'`;
      await run(`set statement_timeout = ${limit}; set lock_timeout = ${limit}`);
      return work({ dialect: POSTGRES, run });
    });
  } finally {
    await connections.close();
  }
}

/** Rows that another node is taking at this moment are skipped, not waited for. */
function makeClaimer(connections: Connections): Claimer {
  return {
    async claim(name, values) {
      const query = { name, text: POSTGRES.spell(CLAIMS[name]), values: [...values] };
      const { rows } = await connections.use((client) => client.query<Row>(query));
      return rows;
    },
  };
}

/** Several statements in one text give a list of results. */
function rowsOf(result: unknown): readonly Row[] {
  const last = Array.isArray(result) ? result.at(-1) : result;
  return (last as { rows: readonly Row[] }).rows;
}
