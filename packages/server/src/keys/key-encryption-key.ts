import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** 32 bytes in hexadecimal and a line end: a person can compare and print it for the safe. */
const FILE_PATTERN = /^([0-9a-f]{64})\n?$/;

/**
 * Reads the key-encryption key. It wraps all other keys and lives outside the database.
 *
 * @throws {Error} when the file is missing, of another form, or open to anyone but its owner.
 */
export function readKeyEncryptionKey(path: string): KeyObject {
  const file = openSync(path, 'r');
  try {
    const { mode } = fstatSync(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8);
      throw new Error(`${path} has mode ${octal}; a key file must be 600 (chmod 600 ${path})`);
    }
    const [, hex] = FILE_PATTERN.exec(readFileSync(file, 'utf8')) ?? [];
    if (hex === undefined) throw new Error(`${path} is not 64 hexadecimal digits`);
    return createSecretKey(Buffer.from(hex, 'hex'));
  } finally {
    closeSync(file);
  }
}

/** Makes a key-encryption key in a new file of mode 0600, durable when this returns. */
export function createKeyEncryptionKey(path: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, `${randomBytes(32).toString('hex')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
