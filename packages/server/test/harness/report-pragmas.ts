/**
 * Preloaded into a process of the program (`--import`), and with it into its threads: writes down, at
 * each commit, how durable SQLite says that it is on that connection.
 *
 * @module
 */
import { appendFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const { exec } = DatabaseSync.prototype;

DatabaseSync.prototype.exec = function reported(this: DatabaseSync, sql: string): void {
  exec.call(this, sql);
  const path = process.env.PANTOKEN_TEST_PRAGMAS;
  if (sql !== 'commit' || path === undefined) return;
  const { synchronous } = this.prepare('pragma synchronous').get() ?? {};
  const { journal_mode: journal } = this.prepare('pragma journal_mode').get() ?? {};
  appendFileSync(path, `${synchronous} ${journal}\n`);
};
