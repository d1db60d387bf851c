import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** No secret, setting or share of ours is longer. */
const FILE_BYTES_MAX = 1024 * 1024;

/**
 * Reads a file that only its owner may read. Pipes and terminals are taken, too.
 *
 * @throws {Error} when it is missing, too long, or open to others.
 */
export function readPrivateFile(path: string): string {
  const file = openSync(path, 'r');
  try {
    const stat = fstatSync(file);
    if (process.platform !== 'win32' && stat.isFile() && (stat.mode & 0o077) !== 0) {
      const octal = (stat.mode & 0o777).toString(8);
      throw new Error(`${path} has mode ${octal}; it must be 600 (chmod 600 ${path})`);
    }
    if (stat.size > FILE_BYTES_MAX) throw new Error(`${path} is too long`);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/** Makes a new file of mode 0600, durable when this returns. @throws when there is one. */
export function createPrivateFile(path: string, text: string): void {
  writeDurably(path, text, 'wx');
  removingAtError(path, () => syncFolder(path));
}

/**
 * Makes new files of mode 0600 in a folder: all of them, or none.
 *
 * @param files name and text of each.
 * @throws when there is one of these names already; it is left as it was.
 */
export function createPrivateFiles(folder: string, files: ReadonlyMap<string, string>): void {
  const made: string[] = [];
  try {
    for (const [name, text] of files) {
      const path = join(folder, name);
      createPrivateFile(path, text);
      made.push(path);
    }
  } catch (error) {
    for (const path of made) rmSync(path, { force: true });
    throw error;
  }
}

/** Puts a file of mode 0600 in the place of another: whoever reads sees the one or the other. */
export function replacePrivateFile(path: string, text: string): void {
  const making = `${path}.making`;
  writeDurably(making, text, 'w');
  renameSync(making, path);
  syncFolder(path);
}

function writeDurably(path: string, text: string, flags: 'w' | 'wx'): void {
  const file = openSync(path, flags, 0o600);
  const write = () => {
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  };
  if (flags === 'wx') removingAtError(path, write);
  else write();
}

/** Half of a file is not left behind: the next try would take it for one that is there already. */
function removingAtError(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** A new name is durable when its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
