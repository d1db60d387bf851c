import pg from 'pg';
import type { PostgresPlace } from './postgres.ts';
import { splitHosts, sqlStateOf } from './postgres-connection.ts';

/** Tells other nodes that something was registered. It may be lost: nobody may rely on it. */
export interface Hints {
  /** Never rejects, and nobody waits for it. */
  send(): void;
  /** @returns stops listening. */
  listen(onHint: () => void): () => Promise<void>;
}

const CHANNEL = 'pantoken_directory';
const RETRY_MS = 5_000;
const CONNECT_TIMEOUT_MS = 2_000;

/** SQLSTATE of what an engine has not: a feature, or the word itself. */
const UNKNOWN_STATES = ['0A000', '42601'];

/**
 * LISTEN and NOTIFY, where the engine has them. An engine that refuses them is left in peace; behind a
 * pooler that keeps no sessions, hints are lost. Either way a change is noticed by its version row.
 *
 * @param run sends a statement over some connection to the primary.
 */
export function makeHints(
  { url, password }: PostgresPlace,
  run: (sql: string) => Promise<unknown>,
): Hints {
  let isUnknown = false;

  function note(error: unknown): void {
    const state = sqlStateOf(error);
    if (state !== undefined && UNKNOWN_STATES.includes(state)) isUnknown = true;
  }

  return {
    send() {
      if (!isUnknown) run(`notify ${CHANNEL}`).catch(note);
    },

    listen(onHint) {
      const hosts = splitHosts(url);
      let turn = 0;
      let client: pg.Client | undefined;
      let timer: NodeJS.Timeout | undefined;
      let isStopped = false;
      let connecting: Promise<void> = Promise.resolve();

      async function connect(): Promise<void> {
        const connectionString = hosts[turn++ % hosts.length] ?? url;
        const opened = new pg.Client({
          connectionString,
          ...(password !== undefined && { password }),
          connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
          keepAlive: true,
          application_name: 'pantoken hints',
        });
        client = opened;
        opened.on('error', () => undefined);
        opened.on('end', again);
        opened.on('notification', onHint);
        try {
          await opened.connect();
          await opened.query(`listen ${CHANNEL}`); // A standby refuses: the next host is tried.
          onHint(); // What happened while nobody listened.
        } catch (error) {
          note(error);
          await opened.end().catch(() => undefined);
        }
      }

      function again(): void {
        clearTimeout(timer);
        if (isStopped || isUnknown) return;
        timer = setTimeout(() => {
          connecting = connect();
        }, RETRY_MS).unref();
      }

      connecting = connect();
      return async () => {
        isStopped = true;
        clearTimeout(timer);
        await connecting;
        await client?.end().catch(() => undefined);
      };
    },
  };
}
