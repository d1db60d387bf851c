import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DualControlPolicy } from '../usecase/dual-control.ts';
import type { Kek, KekProvider, KekProviderName, KekSettings } from './kek.ts';
import { KeyProviderError } from './kek.ts';
import { createPrivateFile, readPrivateFile, replacePrivateFile } from './private-file.ts';
import { fileProvider } from './provider/file.ts';
import { passphraseProvider } from './provider/passphrase.ts';
import { pkcs11Provider } from './provider/pkcs11.ts';
import { vaultTransitProvider } from './provider/vault-transit.ts';

export const PROVIDERS: Readonly<Record<KekProviderName, KekProvider>> = {
  file: fileProvider,
  passphrase: passphraseProvider,
  pkcs11: pkcs11Provider,
  'vault-transit': vaultTransitProvider,
};

/** What the file of the key-encryption keys says. It holds no secret. */
export interface CustodySettings {
  /** Keys of one environment do not open in another: 1 to 32 of a-z, 0-9 and -. */
  readonly environment: string;
  /** How long keys serve when their provider is gone, 1 to 604800 seconds. */
  readonly keyCacheTtlSeconds: number;
  /** Keys older than this are warned of, 1 to 3650 days. */
  readonly keyAgeDaysMax: number;
  /** Which commands need two operators: docs/key-ceremonies.md. */
  readonly dualControl: DualControlPolicy;
  /** The id of the key-encryption key that wraps new keys. */
  readonly current: string;
  readonly keyEncryptionKeys: readonly KekSettings[];
}

/** The key-encryption keys of a service, opened when they are needed. */
export interface Custody {
  settings(): CustodySettings;
  /** @throws {KeyProviderError} when there is none of this id, or its provider is gone. */
  kek(id: string): Promise<Kek>;
  /** That these are still where they were. @throws {KeyProviderError} */
  check(ids: Iterable<string>): Promise<void>;
  close(): Promise<void>;
}

/** An hour: long enough to restart a provider, short enough that taking the key away tells. */
const KEY_CACHE_TTL_SECONDS = 3600;

/** A year: a cryptoperiod that NIST SP 800-57 part 1 finds fit for a key that encrypts keys or data. */
const KEY_AGE_DAYS_MAX = 365;

/** Two operators are asked for once there are two. */
const DUAL_CONTROL: DualControlPolicy = { always: false, rotations: false };

/** A service begins with a key-encryption key in a file beside its settings. */
export function firstCustody(environment: string): CustodySettings {
  const first: KekSettings = {
    id: 'first',
    provider: 'file',
    options: { path: 'key-encryption-key' },
  };
  return {
    environment,
    keyCacheTtlSeconds: KEY_CACHE_TTL_SECONDS,
    keyAgeDaysMax: KEY_AGE_DAYS_MAX,
    dualControl: DUAL_CONTROL,
    current: first.id,
    keyEncryptionKeys: [first],
  };
}

export function createCustodyFile(path: string, settings: CustodySettings): void {
  createPrivateFile(path, encode(settings));
}

/** Whoever reads meanwhile sees the old or the new, and a crash leaves one of them. */
export function replaceCustodyFile(path: string, settings: CustodySettings): void {
  replacePrivateFile(path, encode(parseCustody(settings)));
}

/** @throws {Error} when the file is missing or not understood. */
export function readCustodyFile(path: string): CustodySettings {
  if (!existsSync(path)) {
    throw new Error(`${path} is missing: it says where the key-encryption keys are`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(readPrivateFile(path));
  } catch (error) {
    if (error instanceof SyntaxError) throw new Error(`${path} is not JSON`);
    throw error;
  }
  return parseCustody(parsed as CustodySettings);
}

/** Opens the key-encryption keys as they are asked for. The file is read again for a new one. */
export function openCustody(path: string): Custody {
  let settings = readCustodyFile(path);
  const opened = new Map<string, Promise<Kek>>();

  async function open(id: string): Promise<Kek> {
    if (!settings.keyEncryptionKeys.some((each) => each.id === id))
      settings = readCustodyFile(path);
    const own = settings.keyEncryptionKeys.find((each) => each.id === id);
    if (own === undefined) throw new KeyProviderError(`${path} names no key-encryption key ${id}`);
    return PROVIDERS[own.provider].open(own, dirname(path));
  }

  function kek(id: string): Promise<Kek> {
    const known = opened.get(id) ?? open(id);
    opened.set(id, known);
    known.catch(() => opened.delete(id)); // The next one to ask tries again.
    return known;
  }

  return {
    settings: () => settings,
    kek,
    async check(ids) {
      for (const id of ids) await (await kek(id)).check();
    },
    async close() {
      for (const each of await Promise.allSettled(opened.values())) {
        if (each.status === 'fulfilled') await each.value.close();
      }
      opened.clear();
    },
  };
}

function encode(settings: CustodySettings): string {
  return `${JSON.stringify(settings, undefined, 2)}\n`;
}

/** @throws {Error} naming the field. */
export function parseCustody(given: CustodySettings): CustodySettings {
  const { environment, keyCacheTtlSeconds, keyAgeDaysMax, current, keyEncryptionKeys } = given;
  const { dualControl = DUAL_CONTROL } = given;
  const wrong = (field: string) => new Error(`settings of key-encryption keys: ${field}`);
  const unknown = Object.keys(given).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw wrong(`the fields are ${FIELDS.join(', ')}`);
  if (!isDualControl(dualControl)) throw wrong('dualControl');
  if (!/^[a-z0-9-]{1,32}$/.test(environment)) throw wrong('environment');
  if (!isInteger(keyCacheTtlSeconds, 1, 604_800)) throw wrong('keyCacheTtlSeconds');
  if (!isInteger(keyAgeDaysMax, 1, 3650)) throw wrong('keyAgeDaysMax');
  if (!Array.isArray(keyEncryptionKeys)) throw wrong('keyEncryptionKeys');
  const keks = keyEncryptionKeys.map(parseKekSettings);
  const ids = keks.map(({ id }) => id);
  if (new Set(ids).size !== ids.length || !ids.includes(current)) throw wrong('current');
  const limits = { keyCacheTtlSeconds, keyAgeDaysMax, dualControl };
  return { environment, ...limits, current, keyEncryptionKeys: keks };
}

const FIELDS = [
  ...['environment', 'keyCacheTtlSeconds', 'keyAgeDaysMax', 'dualControl', 'current'],
  'keyEncryptionKeys',
];

function isDualControl(given: DualControlPolicy | null): boolean {
  if (typeof given !== 'object' || given === null) return false;
  const { always, rotations, ...more } = given;
  const isBoth = typeof always === 'boolean' && typeof rotations === 'boolean';
  return isBoth && Object.keys(more).length === 0;
}

/** @throws {Error} naming the field. */
export function parseKekSettings(given: KekSettings): KekSettings {
  const { id, provider, options } = given;
  const wrong = (field: string) => new Error(`settings of a key-encryption key: ${field}`);
  if (typeof id !== 'string' || !/^[a-z0-9-]{1,40}$/.test(id)) throw wrong('id');
  if (!Object.hasOwn(PROVIDERS, provider)) {
    throw wrong(`provider is one of ${Object.keys(PROVIDERS).join(', ')}`);
  }
  const names = Object.keys(options ?? {});
  const { optionNames } = PROVIDERS[provider];
  const known = optionNames.map((name) => name.replace('?', ''));
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw wrong(`options of ${provider} are ${known.join(', ')}`);
  const missing = optionNames.find((name) => !name.endsWith('?') && !names.includes(name));
  if (missing !== undefined) throw wrong(`option ${missing} is missing`);
  return { id, provider, options };
}

function isInteger(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}
