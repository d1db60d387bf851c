import pg from 'pg';
import { POSTGRES } from '../dialect.ts';
import type { PostgresPlace } from '../postgres.ts';
import { splitHosts } from '../postgres-connection.ts';
import type { Side } from './side.ts';
import type { Values } from './values.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/** A statement over a whole table, a count for instance, may take long. */
const STATEMENT_TIMEOUT_MS = 600_000;

/** Every integer of the schema is below 2 ** 53. */
const TYPES = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8
      ? (text: string) => Number(text)
      : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig;

/** @throws {Error} when none of the servers of the URL answers and takes writes. */
export async function openPostgresSide(place: PostgresPlace): Promise<Side> {
  const client = await connect(place);
  const all = async (text: string, values: readonly unknown[] = []) =>
    (await client.query({ text, values: [...values], rowMode: 'array' })).rows as Values[];
  const [order] = await all(`select 'B' < 'a'`);
  const isBytewise = order?.[0] as unknown as boolean;

  async function within<T>(begin: string, work: () => Promise<T>): Promise<T> {
    await client.query(begin);
    try {
      const result = await work();
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => undefined); // The connection itself may be gone.
      throw error;
    }
  }

  return {
    engine: 'postgres',
    dialect: POSTGRES,
    all,
    each: (sql, lists) => Promise.all(lists.map((values) => all(sql, values))),
    async run(sql) {
      await client.query(sql);
    },
    async insert({ name, columns }, rows) {
      if (rows.length === 0) return;
      const names = columns.map((column) => column.name).join(', ');
      const lists = columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
      const values = columns.map((_, index) => rows.map((row) => row[index] ?? null));
      await all(`insert into ${name} (${names}) select * from unnest(${lists})`, values);
    },
    // The index of a database in another order than C cannot be used then; it is right all the same.
    bytewise: (column) => (isBytewise ? column : `${column} collate "C"`),
    snapshot: (work) => within('begin isolation level repeatable read read only', work),
    transaction: (work) => within('begin', work),
    close: () => client.end(),
  };
}

async function connect({ url, password }: PostgresPlace): Promise<pg.Client> {
  let last: unknown;
  for (const connectionString of splitHosts(url)) {
    const client = new pg.Client({
      connectionString,
      ...(password !== undefined && { password }),
      types: TYPES,
      pipeline: true,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      lock_timeout: STATEMENT_TIMEOUT_MS,
      keepAlive: true,
      application_name: 'pantoken db copy',
    } as pg.ClientConfig);
    client.on('error', () => undefined); // The statement under way tells of it.
    try {
      await client.connect();
      const { rows } = await client.query(
        `select current_setting('transaction_read_only') as standby`,
      );
      if (rows[0]?.standby === 'off') {
        await client.query('set synchronous_commit = on');
        return client;
      }
      last = new Error('the server is a standby');
    } catch (error) {
      last = error;
    }
    await client.end().catch(() => undefined);
  }
  throw last;
}
