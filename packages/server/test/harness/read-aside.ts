import { execFileSync } from 'node:child_process';

/**
 * Reads a file of a database that this very process has open, by another process: whoever closes such a
 * file lets go of all locks that SQLite holds on it here (https://sqlite.org/howtocorrupt.html, 2.2), and
 * the next program that opens the database breaks it.
 */
export function readAside(path: string): Buffer {
  return execFileSync('cat', [path], { maxBuffer: 2 ** 30 });
}
