import { randomBytes } from 'node:crypto';
import { Refusal } from '../domain/error.ts';
import { nameOfKey } from '../usecase/key-changes.ts';
import type { KeyName, WrappedKey } from '../usecase/ports.ts';
import { checkValueOf } from './check-value.ts';
import type { Custody } from './custody.ts';

/** Wraps keys under the key-encryption keys, their attributes under the MAC. */
export interface KeyWrapper {
  readonly environment: string;
  /** Wraps under the current key-encryption key. @throws {KeyProviderError} */
  wrap(key: NewKey, bytes: Uint8Array): Promise<WrappedKey>;
  /** The same key under another key-encryption key. @throws as `unwrap`. */
  rewrap(key: WrappedKey, kek: string): Promise<WrappedKey>;
  /**
   * @throws {Refusal} `KEY_DAMAGED` when it does not open: another key-encryption key, another
   *   environment, or attributes that are not its own.
   * @throws {KeyProviderError} when its provider is gone.
   */
  unwrap(key: WrappedKey): Promise<Buffer>;
}

export interface NewKey extends KeyName {
  readonly createdAtMs: number;
  readonly knownAnswer: string | undefined;
}

export function makeKeyWrapper(custody: Custody): KeyWrapper {
  const { environment } = custody.settings();

  async function unwrap(key: WrappedKey): Promise<Buffer> {
    if (key.environment !== environment) {
      throw damaged(key, `it belongs to environment ${key.environment}`);
    }
    const kek = await custody.kek(key.kek);
    const bytes = await kek.unwrap(attributesOf(key, environment), key.wrapped);
    if (bytes === undefined) {
      throw damaged(key, 'it was wrapped under another key, or changed in the database');
    }
    if (checkValueOf(key.purpose, bytes) !== key.checkValue) {
      throw damaged(key, 'its check value is not the one stored beside it');
    }
    return bytes;
  }

  async function wrapUnder(kekId: string, key: Omit<WrappedKey, 'wrapped'>, bytes: Uint8Array) {
    const kek = await custody.kek(kekId);
    const wrapped = await kek.wrap(attributesOf(key, environment), bytes);
    return { ...key, kek: kekId, wrapped };
  }

  return {
    environment,
    wrap(key, bytes) {
      const id = randomBytes(16).toString('hex');
      const kek = custody.settings().current;
      const checkValue = checkValueOf(key.purpose, bytes);
      return wrapUnder(kek, { ...key, id, environment, kek, checkValue }, bytes);
    },
    async rewrap(key, kek) {
      const bytes = await unwrap(key);
      const { wrapped: _, ...rest } = key;
      const rewrapped = await wrapUnder(kek, rest, bytes);
      await unwrap(rewrapped); // Before the old one is given up.
      return rewrapped;
    },
    unwrap,
  };
}

/** A new AES or HMAC key of 256 bits. */
export function newKeyBytes(): Uint8Array {
  return randomBytes(32);
}

function damaged(key: KeyName, reason: string): Refusal {
  return new Refusal('KEY_DAMAGED', { key: nameOfKey(key), reason });
}

/** The environment is the service's own, not what the row says: editing the row helps nobody. */
function attributesOf(
  { id, organization, purpose, epoch, createdAtMs }: Omit<WrappedKey, 'wrapped'>,
  environment: string,
): string[] {
  return [
    ...['pantoken key', id, environment, String(organization ?? 'service'), purpose],
    ...[String(epoch), String(createdAtMs)],
  ];
}
