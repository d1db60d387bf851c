import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { CardNumber } from '../domain/pan.ts';
import type { Clock, WrappedKeyStore, ZoneKeys } from '../usecase/ports.ts';
import { type KeyWrapper, newKeyBytes } from './key-wrapper.ts';

export interface ZoneKeysDeps {
  readonly wrapper: KeyWrapper;
  readonly store: WrappedKeyStore;
  readonly clock: Clock;
}

interface ZoneKey {
  readonly epoch: number;
  readonly key: KeyObject;
}

const KEY_BYTES = 32;

/** The newest key and the one before it open. */
const OPENING_MAX = 2;

/** 16 bytes of packed decimal, the number right-aligned; 12 to 19 of the 32 digits are not padding. */
const BLOCK_DIGITS = 32;
const BLOCK_PATTERN = /^0{13}[0-9]{19}$/;

/**
 * Card numbers under zone keys. One AES-256 block holds the whole number, so the block cipher itself
 * is the mode; 13 digits of zeros in front show whether a block opened with the right key: a wrong
 * one passes in less than 1 of 10 ** 19 cases.
 *
 * @throws {Error} when a key does not open.
 */
export async function makeZoneKeys({ wrapper, store, clock }: ZoneKeysDeps): Promise<ZoneKeys> {
  let keys = await readKeys(wrapper, store);

  function keysOf(organization: OrganizationNumber): readonly ZoneKey[] {
    const own = keys.get(organization);
    if (own === undefined) throw new Refusal('NUMBER_ENCRYPTED_NO_ZONE_KEY');
    return own;
  }

  return {
    async newKey(organization, bytes = newKeyBytes()) {
      if (bytes.length !== KEY_BYTES) throw new Refusal('REQUEST_INVALID', { field: 'zoneKey' });
      const before = (keys.get(organization) ?? []).map(({ epoch }) => epoch);
      const epoch = (before[0] ?? 0) + 1;
      const createdAtMs = clock.nowMs();
      const name = { organization, purpose: 'zone', epoch } as const;
      const key = await wrapper.wrap({ ...name, createdAtMs, knownAnswer: undefined }, bytes);
      return { key, bytes, before };
    },

    encrypt(organization, number) {
      const [newest] = keysOf(organization);
      if (newest === undefined) throw new Refusal('NUMBER_ENCRYPTED_NO_ZONE_KEY');
      const block = Buffer.from(number.reveal().padStart(BLOCK_DIGITS, '0'), 'hex');
      const cipher = createCipheriv('aes-256-ecb', newest.key, null).setAutoPadding(false);
      return Buffer.concat([cipher.update(block), cipher.final()])
        .toString('hex')
        .toUpperCase();
    },

    decrypt(organization, encrypted) {
      for (const { key } of keysOf(organization)) {
        const decipher = createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false);
        const block = Buffer.concat([
          decipher.update(Buffer.from(encrypted, 'hex')),
          decipher.final(),
        ]);
        const digits = block.toString('hex');
        if (!BLOCK_PATTERN.test(digits)) continue;
        const number = digits.replace(/^0+/, '');
        if (number.length >= 12) return CardNumber.parseNumber(number);
      }
      throw new Refusal('NUMBER_ENCRYPTED_UNREADABLE');
    },

    async refresh() {
      keys = await readKeys(wrapper, store);
    },
  };
}

/** Of each organization the keys that open, newest first. */
async function readKeys(
  wrapper: KeyWrapper,
  store: WrappedKeyStore,
): Promise<ReadonlyMap<OrganizationNumber, readonly ZoneKey[]>> {
  const found = new Map<OrganizationNumber, ZoneKey[]>();
  for (const { organization, purpose, epoch, key } of await store.listKeys()) {
    if (purpose !== 'zone' || organization === undefined || key === undefined) continue;
    const own = found.get(organization) ?? [];
    own.push({ epoch, key: createSecretKey(await wrapper.unwrap(key)) });
    found.set(organization, own);
  }
  const newestFirst = (own: ZoneKey[]) => own.sort((a, b) => b.epoch - a.epoch);
  return new Map(
    [...found].map(([organization, own]) => [organization, newestFirst(own).slice(0, OPENING_MAX)]),
  );
}
