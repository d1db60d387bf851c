import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';

/**
 * Copies a SQLite database that may be in use to a new file of mode 0600. What was committed before the
 * copy began is in it; so may be what was committed while it was made. It is one moment, never a mixture.
 * A copy that could not be finished is taken away again.
 *
 * @returns how many bytes the copy has.
 * @throws {Error} when there is no database, or (EEXIST) something is at `target` already.
 */
export async function backupSqlite(path: string, target: string): Promise<number> {
  if (!existsSync(path)) throw new Error(`there is no database ${path}`);
  closeSync(openSync(target, 'wx', 0o600));
  try {
    await copyTo(path, target);
    return sizeOfSound(target);
  } catch (error) {
    rmSync(target, { force: true });
    throw error;
  }
}

async function copyTo(path: string, target: string): Promise<void> {
  const source = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    await backup(source, target);
  } finally {
    source.close();
  }
}

/** @returns bytes. @throws {Error} when SQLite finds something wrong in it. */
function sizeOfSound(target: string): number {
  const copy = new DatabaseSync(target);
  try {
    const [row] = copy.prepare('pragma integrity_check').all();
    if (row?.integrity_check !== 'ok') throw new Error('the copy is damaged');
    const { n } =
      copy
        .prepare('select page_count * page_size as n from pragma_page_count, pragma_page_size')
        .get() ?? {};
    return Number(n);
  } finally {
    copy.close();
  }
}
