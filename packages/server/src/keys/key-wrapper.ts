import { type KeyObject, randomBytes } from 'node:crypto';
import type { WrappedKey } from '../usecase/ports.ts';
import { open, seal } from './seal.ts';

/** What a wrapped key is, apart from its bytes. All of it is under the MAC. */
export type KeyAttributes = Omit<WrappedKey, 'wrapped' | 'knownAnswer'>;

/** Wraps keys under the key-encryption key. */
export interface KeyWrapper {
  wrap(attributes: KeyAttributes, bytes: Uint8Array): Uint8Array;
  /** @throws {Error} when the key does not open: another KEK, or attributes that are not its own. */
  unwrap(key: WrappedKey): Buffer;
}

export function makeKeyWrapper(keyEncryptionKey: KeyObject): KeyWrapper {
  return {
    wrap: (attributes, bytes) => seal(keyEncryptionKey, attributeList(attributes), bytes),
    unwrap(key) {
      const bytes = open(keyEncryptionKey, attributeList(key), key.wrapped);
      if (bytes === undefined) {
        throw new Error(
          `the ${nameOf(key)} does not open: it was wrapped under another key-encryption key, or changed in the database`,
        );
      }
      return bytes;
    },
  };
}

/** A new AES or HMAC key of 256 bits. */
export function newKeyBytes(): Uint8Array {
  return randomBytes(32);
}

/** What a person calls a key: `token key 2 of organization 100`. */
export function nameOf({ organization, purpose, epoch }: KeyAttributes): string {
  return `${purpose} key ${epoch} of ${organization === undefined ? 'the service' : `organization ${organization}`}`;
}

function attributeList({ organization, purpose, epoch, createdAtMs }: KeyAttributes): string[] {
  return [
    'pantoken key',
    String(organization ?? 'service'),
    purpose,
    String(epoch),
    String(createdAtMs),
  ];
}
