import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { SQLITE } from './dialect.ts';
import type { Claimer } from './engine.ts';
import type { Row } from './statements.ts';
import { CLAIMS, type ClaimName } from './watch-statements.ts';

/** The writer holds the file for some milliseconds at a time. */
const BUSY_WAIT_MS = 5;
const BUSY_TRIES_MAX = 1_000;

/** SQLite's name for a file that another connection is writing. */
const SQLITE_BUSY = 5;

/**
 * Takes rows on a connection of its own. It never waits for the writer while it holds this thread. A
 * claim is a lease: it need not outlive a loss of power, and so costs no fsync.
 *
 * @param onClaim is called when rows have been taken, before anybody is told.
 */
export function openSqliteClaimer(path: string, onClaim: () => void): Claimer & { close(): void } {
  const database = new DatabaseSync(path, { timeout: 0 });
  database.exec('pragma synchronous = normal');
  const prepared = new Map<ClaimName, StatementSync>();
  return {
    async claim(name, values) {
      for (let tries = 0; ; tries++) {
        try {
          const statement = prepared.get(name) ?? database.prepare(SQLITE.spell(CLAIMS[name]));
          prepared.set(name, statement);
          const rows = statement.all(...values) as unknown as Row[];
          onClaim();
          return rows;
        } catch (error) {
          const { errcode } = error as { errcode?: number };
          if (errcode !== SQLITE_BUSY || tries === BUSY_TRIES_MAX) throw error;
          await wait(BUSY_WAIT_MS);
        }
      }
    },
    close: () => database.close(),
  };
}
