import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { knownAnswer, prepareKey, prepareKeys, type TokenKey } from '@pantoken/pan-token';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { TokenKeys } from '../domain/token-format.ts';
import type {
  Clock,
  KeyPurpose,
  Keyring,
  SealedPlace,
  WrappedKey,
  WrappedKeyStore,
} from '../usecase/ports.ts';
import { type KeyWrapper, nameOf, newKeyBytes } from './key-wrapper.ts';
import { open, seal } from './seal.ts';

export interface KeyringDeps {
  readonly wrapper: KeyWrapper;
  readonly store: WrappedKeyStore;
  readonly clock: Clock;
}

/** The opened keys of one organization, ready for use. */
interface OpenedKeys {
  readonly token: TokenKeys;
  readonly index: KeyObject;
  /** By epoch; the highest one seals. */
  readonly data: ReadonlyMap<number, KeyObject>;
  readonly newestDataEpoch: number;
}

/**
 * The keys of all organizations, unwrapped once and kept in memory as key objects.
 *
 * @throws {Error} when a key does not open, or does not make the token stored beside it: the service
 *   must not start with a wrong key.
 */
export async function makeKeyring(deps: KeyringDeps): Promise<Keyring> {
  const { wrapper, store, clock } = deps;
  let opened = openKeys(wrapper, await store.listKeys());

  function keysOf(organization: OrganizationNumber): OpenedKeys {
    const keys = opened.get(organization);
    if (keys === undefined) throw new Refusal('KEY_UNAVAILABLE', { organization });
    return keys;
  }

  return {
    newOrganizationKeys(organization) {
      const createdAtMs = clock.nowMs();
      return (['token', 'index', 'data'] as const).map((purpose) => {
        const attributes = { organization, purpose, epoch: 1, createdAtMs };
        const bytes = newKeyBytes();
        const answer = purpose === 'token' ? knownAnswer(prepareKey(1, bytes)) : undefined;
        return { ...attributes, wrapped: wrapper.wrap(attributes, bytes), knownAnswer: answer };
      });
    },

    tokenKeys: (organization) => keysOf(organization).token,

    panIndex(organization, number) {
      const { index } = keysOf(organization);
      return createHmac('sha256', index).update(number.reveal(), 'latin1').digest();
    },

    referenceIndex(organization, reference) {
      // No PAN begins with a letter, so that no reference has the index of one.
      const { index } = keysOf(organization);
      return createHmac('sha256', index).update(`reference ${reference}`).digest();
    },

    seal(place, text) {
      const { data, newestDataEpoch: dataKeyEpoch } = keysOf(place.organization);
      const key = demandKey(data, dataKeyEpoch);
      const bytes = seal(key, attributesOf(place, dataKeyEpoch), Buffer.from(text, 'utf8'));
      return { dataKeyEpoch, bytes };
    },

    open(place, { dataKeyEpoch, bytes }) {
      const key = demandKey(keysOf(place.organization).data, dataKeyEpoch);
      const text = open(key, attributesOf(place, dataKeyEpoch), bytes);
      if (text === undefined) throw new Refusal('RECORD_DAMAGED', { recordId: place.recordId });
      return text.toString('utf8');
    },

    async refresh() {
      opened = openKeys(wrapper, await store.listKeys());
    },
  };
}

function demandKey(data: OpenedKeys['data'], epoch: number): KeyObject {
  const key = data.get(epoch);
  if (key === undefined) throw new Refusal('KEY_UNAVAILABLE', { dataKeyEpoch: epoch });
  return key;
}

/** Threat 8 of SECURITY.md: organization, token, record and key, and what part of the record it is. */
function attributesOf(place: SealedPlace, dataKeyEpoch: number): string[] {
  const { organization, recordId, token, part } = place;
  return ['pantoken record', String(organization), token, recordId, part, String(dataKeyEpoch)];
}

function openKeys(
  wrapper: KeyWrapper,
  stored: readonly WrappedKey[],
): ReadonlyMap<OrganizationNumber, OpenedKeys> {
  const organizations = new Set<OrganizationNumber>();
  for (const { organization } of stored) {
    if (organization !== undefined) organizations.add(organization);
  }
  return new Map(
    [...organizations].map((organization) => {
      const own = (purpose: KeyPurpose) =>
        stored.filter((key) => key.organization === organization && key.purpose === purpose);
      const data = new Map(
        own('data').map((key) => [key.epoch, createSecretKey(wrapper.unwrap(key))]),
      );
      const keys: OpenedKeys = {
        token: openTokenKeys(wrapper, own('token')),
        index: createSecretKey(wrapper.unwrap(demandOne(own('index')))),
        data,
        newestDataEpoch: Math.max(...data.keys()),
      };
      return [organization, keys];
    }),
  );
}

function openTokenKeys(wrapper: KeyWrapper, stored: readonly WrappedKey[]): TokenKeys {
  const keys = stored.map((key) => openTokenKey(wrapper, key));
  const active = keys.reduce((newest, key) => (key.epoch > newest.epoch ? key : newest));
  return { active, living: prepareKeys(keys) };
}

function openTokenKey(wrapper: KeyWrapper, stored: WrappedKey): TokenKey {
  const key = prepareKey(stored.epoch, wrapper.unwrap(stored));
  if (knownAnswer(key) !== stored.knownAnswer) {
    throw new Error(`the ${nameOf(stored)} does not make the token that is stored beside it`);
  }
  return key;
}

function demandOne(keys: readonly WrappedKey[]): WrappedKey {
  const [key, ...more] = keys;
  if (key === undefined || more.length > 0) throw new Error('an organization has one index key');
  return key;
}
