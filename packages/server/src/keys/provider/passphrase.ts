import { createSecretKey, randomBytes, scrypt } from 'node:crypto';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { type KekProvider, type KekSettings, KeyProviderError, textOption } from '../kek.ts';
import { createPrivateFile, readPrivateFile } from '../private-file.ts';
import { open, seal } from '../seal.ts';
import { makeLocalKek } from './local-kek.ts';

/**
 * OWASP's strongest parameters for scrypt (password storage cheat sheet, 2023): 128 MiB, and about
 * half a second on the machine this was written on. They stand in the file, so that they can grow.
 */
const COST = { N: 2 ** 17, r: 8, p: 1 } as const;

/** 128 * N * r bytes, and some more that OpenSSL counts. */
const MEMORY_MAX = 192 * 1024 * 1024;

/** A guesser must not find it by trying words: six words of a list of 7,776 have 77 bits and more. */
const PASSPHRASE_LENGTH_MIN = 16;

const FILE_PATTERN = /^pantoken-kek scrypt 17 8 1 ([0-9a-f]{32}) ([0-9a-f]{120})\n?$/;

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** The key-encryption key in a file that a passphrase opens. */
export const passphraseProvider: KekProvider = {
  optionNames: ['path', 'passphraseFile'],
  async open(settings, folder) {
    const path = resolve(folder, textOption(settings, 'path'));
    const text = readOr(settings, path);
    const [, salt, sealed] = FILE_PATTERN.exec(text) ?? [];
    if (salt === undefined || sealed === undefined) {
      throw new KeyProviderError(`${path} is not a key-encryption key under a passphrase`);
    }
    const key = await keyOf(settings, folder, Buffer.from(salt, 'hex'));
    const bytes = open(key, attributesOf(settings), Buffer.from(sealed, 'hex'));
    if (bytes === undefined) throw new KeyProviderError(`the passphrase does not open ${path}`);
    return makeLocalKek(createSecretKey(bytes), () => void readOr(settings, path));
  },
  async create(settings, folder) {
    const salt = randomBytes(16);
    const key = await keyOf(settings, folder, salt);
    const sealed = Buffer.from(seal(key, attributesOf(settings), randomBytes(32)));
    const text = `pantoken-kek scrypt 17 8 1 ${salt.toString('hex')} ${sealed.toString('hex')}\n`;
    createPrivateFile(resolve(folder, textOption(settings, 'path')), text);
  },
};

async function keyOf(settings: KekSettings, folder: string, salt: Buffer) {
  const path = resolve(folder, textOption(settings, 'passphraseFile'));
  const passphrase = readOr(settings, path)
    .replace(/\r?\n$/, '')
    .normalize('NFC');
  if (passphrase.length < PASSPHRASE_LENGTH_MIN) {
    throw new KeyProviderError(
      `the passphrase in ${path} has fewer than ${PASSPHRASE_LENGTH_MIN} characters`,
    );
  }
  return createSecretKey(await derive(passphrase, salt, 32, { ...COST, maxmem: MEMORY_MAX }));
}

function readOr(settings: KekSettings, path: string): string {
  try {
    return readPrivateFile(path);
  } catch (error) {
    throw new KeyProviderError(
      `key-encryption key ${settings.id}: ${error instanceof Error ? error.message : 'no file'}`,
    );
  }
}

/** A file renamed to stand for another key does not open. */
function attributesOf({ id }: KekSettings): string[] {
  return ['pantoken key-encryption key', id];
}
