import { createSecretKey, randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { type KekProvider, type KekSettings, KeyProviderError, textOption } from '../kek.ts';
import { createPrivateFile, readPrivateFile } from '../private-file.ts';
import { makeLocalKek } from './local-kek.ts';

/** 32 bytes in hexadecimal and a line end: a person can compare and print it for the safe. */
const FILE_PATTERN = /^([0-9a-f]{64})\n?$/;

/** The default: the key-encryption key in a file of mode 0600, outside the database. */
export const fileProvider: KekProvider = {
  optionNames: ['path'],
  async open(settings, folder) {
    const key = createSecretKey(readKekFile(settings, folder));
    return makeLocalKek(key, () => {
      if (createSecretKey(readKekFile(settings, folder)).equals(key)) return;
      throw new KeyProviderError(`the file of key-encryption key ${settings.id} holds another key`);
    });
  },
  async create(settings, folder) {
    createKekFile(resolve(folder, textOption(settings, 'path')), randomBytes(32));
  },
};

/** The key itself: to start with, and to back it up. @throws {KeyProviderError} */
export function readKekFile(settings: KekSettings, folder: string): Buffer {
  const path = resolve(folder, textOption(settings, 'path'));
  let text: string;
  try {
    text = readPrivateFile(path);
  } catch (error) {
    throw new KeyProviderError(
      `key-encryption key ${settings.id}: ${error instanceof Error ? error.message : 'no file'}`,
    );
  }
  const [, hex] = FILE_PATTERN.exec(text) ?? [];
  if (hex === undefined) throw new KeyProviderError(`${path} is not 64 hexadecimal digits`);
  return Buffer.from(hex, 'hex');
}

/** Durable when this returns. @param bytes 32 bytes. */
export function createKekFile(path: string, bytes: Uint8Array): void {
  createPrivateFile(path, `${Buffer.from(bytes).toString('hex')}\n`);
}
