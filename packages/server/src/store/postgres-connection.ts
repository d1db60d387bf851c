import pg from 'pg';
import { SchemaTooNew } from './migrations.ts';

/** How long a connection may take to be made, or to become free. */
const CONNECT_TIMEOUT_MS = 2_000;

/** How long one statement may take, at the server and, a little longer, as seen from here. */
const STATEMENT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 6_000;

/** How long a statement waits for a row somebody else has locked. */
const LOCK_TIMEOUT_MS = 3_000;

/** A transaction whose client is gone or stopped lets go of its locks after so long. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 8_000;

/** How long work is tried again over new connections; a fail-over has to fit in. */
const RETRY_MS = 8_000;
const RETRY_PAUSE_MS = 100;

/** Each node takes at most so many connections; PostgreSQL's own default is 100 for all. */
const CONNECTIONS_MAX = 10;

/** Connections to the one server, of those named in the URL, that takes writes. */
export interface Connections {
  /**
   * Runs work on a connection of its own. Lost connections and servers that are only starting are
   * tried again, on the next server of the list, so `work` must be safe to repeat.
   *
   * @throws {Error} what PostgreSQL said, or the last thing that went wrong when time was up.
   */
  use<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Opens a pool for each server of a URL such as `postgres://user:secret@a:5432,b:5432/pantoken`; one
 * of them is used at a time. A standby is passed over: it would show old rows and take no new ones.
 */
export function openConnections(url: string, password: string | undefined): Connections {
  const pools = splitHosts(url).map((each) => openPool(each, password));
  let current = 0;

  async function attempt<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const index = current;
    const pool = pools[index];
    if (pool === undefined) throw new Error('there is no such server');
    try {
      const client = await pool.connect();
      return await runOn(client, work);
    } catch (error) {
      // Several fail at the same moment: only the first of them moves on.
      if (isWorthRepeating(error) && current === index) current = (index + 1) % pools.length;
      throw error;
    }
  }

  return {
    async use(work) {
      const until = Date.now() + RETRY_MS;
      for (;;) {
        try {
          return await attempt(work);
        } catch (error) {
          if (!isWorthRepeating(error) || Date.now() > until) throw error;
          await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
        }
      }
    },
    async close() {
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
}

/** One URL for each host: the driver takes no list of hosts. */
export function splitHosts(url: string): readonly string[] {
  const [, head = '', hosts = '', tail = ''] =
    /^([a-z]+:\/\/(?:[^@/?]*@)?)([^/?]*)(.*)$/s.exec(url) ?? [];
  return hosts.split(',').map((host) => head + host + tail);
}

/** @returns the five characters PostgreSQL gives with each of its errors. */
export function sqlStateOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

async function runOn<T>(
  client: pg.PoolClient,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  let lost: Error | undefined;
  const onError = (error: Error) => {
    lost = error;
  };
  client.on('error', onError); // Without it, a connection that dies would end the process.
  try {
    const result = await work(client);
    client.off('error', onError);
    client.release(lost ?? false);
    return result;
  } catch (error) {
    client.off('error', onError);
    client.release(true); // It may stand in the middle of a transaction: it is not used again.
    throw lost !== undefined && sqlStateOf(error) === undefined ? lost : error;
  }
}

/**
 * Errors that say nothing of the statement: no SQLSTATE at all (the connection), 08 (connection),
 * 25006 (a standby), 40 (serialization, deadlock), 53300 (too many connections), 57P (shutdown,
 * crash, starting).
 */
export function isWorthRepeating(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state === undefined) return !(error instanceof SchemaTooNew);
  return /^(?:08|25006|40|53300|57P)/.test(state);
}

function openPool(url: string, password: string | undefined): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    ...(password !== undefined && { password }),
    // Statements of one transaction are sent together: one round trip, not one for each.
    pipeline: true,
    max: CONNECTIONS_MAX,
    idleTimeoutMillis: 60_000,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'pantoken',
    onConnect: prepareConnection,
  } as pg.PoolConfig);
  pool.on('error', () => undefined); // An idle connection died; the pool has taken it out already.
  return pool;
}

/** Refuses a standby, and makes sure that a commit that is answered is on disk. */
async function prepareConnection(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ standby: string; commit: string }>(
    `select current_setting('transaction_read_only') as standby,
      current_setting('synchronous_commit') as commit`,
  );
  const [settings] = rows;
  if (settings?.standby === 'on') throw new Error('the server is a standby');
  if (settings?.commit === 'off') await client.query('set synchronous_commit = on');
  try {
    // Every statement looks for few rows by an index; planning it for its values gains nothing, and
    // misleads where rows have not been counted yet.
    await client.query('set plan_cache_mode = force_generic_plan');
  } catch (error) {
    // Not every engine that speaks PostgreSQL's language has it.
    if (sqlStateOf(error) === undefined) throw error;
  }
}
