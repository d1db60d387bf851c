import { createHmac, hash, type KeyObject } from 'node:crypto';
import { knownAnswer, prepareKey } from '@pantoken/pan-token';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Clock, Keyring, SealedPlace, WrappedKeyStore } from '../usecase/ports.ts';
import type { Custody } from './custody.ts';
import { type KeyWrapper, newKeyBytes } from './key-wrapper.ts';
import { type OpenedKeys, openKeys } from './open-keys.ts';
import { open, seal } from './seal.ts';
import { makeShortHmac, type ShortHmac } from './short-hmac.ts';
import { makeOpenInTurn } from './token-opener.ts';

export interface KeyringDeps {
  readonly custody: Custody;
  readonly wrapper: KeyWrapper;
  readonly store: WrappedKeyStore;
  readonly clock: Clock;
}

/**
 * The keys of all organizations, unwrapped once and kept in memory as key objects. They serve for
 * `keyCacheTtlSeconds` after the last time their provider answered, and not a moment longer.
 *
 * @throws {Refusal} `KEY_DAMAGED` when a key does not open, or does not make the token stored beside
 *   it: the service must not start with a wrong key.
 * @throws {KeyProviderError} when a provider is gone.
 */
export async function makeKeyring(deps: KeyringDeps): Promise<Keyring> {
  const { custody, wrapper, store, clock } = deps;
  let opened = await openKeys(wrapper, await store.listKeys(), undefined);
  let goodUntilMs = 0;
  let refreshing: Promise<void> | undefined;
  const openInTurn = makeOpenInTurn();
  confirm();

  function confirm(): void {
    // Not the clock of the wall: when that jumps, keys must neither be lost nor live longer.
    goodUntilMs = performance.now() + custody.settings().keyCacheTtlSeconds * 1000;
  }

  function keysOf(organization: OrganizationNumber): OpenedKeys {
    const keys = opened.organizations.get(organization);
    if (performance.now() >= goodUntilMs) throw new Refusal('KEY_PROVIDER_GONE');
    if (keys === undefined) throw new Refusal('KEY_UNAVAILABLE', { organization });
    return keys;
  }

  async function readAnew(): Promise<void> {
    const records = await store.listKeys();
    const fresh = await openKeys(wrapper, records, opened);
    await custody.check(fresh.keks);
    opened = fresh;
    confirm();
  }

  return {
    newKey(name, bytes = newKeyBytes()) {
      const { purpose, epoch } = name;
      const answer = purpose === 'token' ? knownAnswer(prepareKey(epoch, bytes)) : undefined;
      const createdAtMs = clock.nowMs();
      return wrapper.wrap({ ...name, createdAtMs, knownAnswer: answer }, bytes);
    },

    revealTokenKey: (key) => wrapper.unwrap(key),

    tokenKeys: (organization) => keysOf(organization).token,

    openToken: ({ number, formats }, token) => openInTurn(formats, keysOf(number).token, token),

    panIndex(organization, number) {
      const { index } = keysOf(organization);
      const next = index.next && hmacOf(index.next)(number.reveal());
      return { current: hmacOf(index.current)(number.reveal()), next, findBy: index.findBy };
    },

    referenceIndex(organization, reference) {
      // A key of its own: it stays when the index of PANs gets a new one, since references are not kept.
      const key = keysOf(organization).reference;
      return createHmac('sha256', key).update(reference).digest();
    },

    seal(place, text) {
      const { data } = keysOf(place.organization);
      const { epoch: dataKeyEpoch, key } = data.active;
      const bytes = seal(key, attributesOf(place, dataKeyEpoch), Buffer.from(text, 'utf8'));
      return { dataKeyEpoch, bytes };
    },

    open(place, { dataKeyEpoch, bytes }) {
      const key = dataKeyOf(keysOf(place.organization), dataKeyEpoch);
      const text = open(key, attributesOf(place, dataKeyEpoch), bytes);
      if (text === undefined) throw new Refusal('RECORD_DAMAGED', { recordId: place.recordId });
      return text.toString('utf8');
    },

    imprint(organization, text, dataKeyEpoch) {
      const secret = imprintSecretOf(dataKeyOf(keysOf(organization), dataKeyEpoch));
      return hash('sha256', secret + text, 'base64url').slice(0, IMPRINT_LENGTH);
    },

    async refresh() {
      // One after the other, or an older reading could replace a newer one.
      while (refreshing !== undefined) await refreshing.catch(() => undefined);
      refreshing = readAnew().finally(() => {
        refreshing = undefined;
      });
      await refreshing;
    },
  };
}

/** @param epoch left out: of the key that seals now. @throws {Refusal} `KEY_UNAVAILABLE` */
function dataKeyOf({ data }: OpenedKeys, epoch = data.active.epoch): KeyObject {
  const key = data.living.get(epoch);
  if (key === undefined) throw new Refusal('KEY_UNAVAILABLE', { dataKeyEpoch: epoch });
  return key;
}

/**
 * Six bits each. Who can write the database tries 2 ** 64 times and more, here and not at home, before one
 * imprint fits what it should not. Cut off, the digest cannot be gone on with, which is what HMAC is for.
 */
const IMPRINT_LENGTH = 11;

const imprintSecrets = new WeakMap<KeyObject, string>();

function imprintSecretOf(key: KeyObject): string {
  const known = imprintSecrets.get(key);
  if (known !== undefined) return known;
  const made = createHmac('sha256', key).update('pantoken imprint').digest('hex');
  imprintSecrets.set(key, made);
  return made;
}

const hmacs = new WeakMap<KeyObject, ShortHmac>();

function hmacOf(key: KeyObject): ShortHmac {
  const known = hmacs.get(key);
  if (known !== undefined) return known;
  const made = makeShortHmac(key);
  hmacs.set(key, made);
  return made;
}

/** Threat 8 of SECURITY.md: organization, token, record and key, and what part of the record it is. */
function attributesOf(place: SealedPlace, dataKeyEpoch: number): string[] {
  const { organization, recordId, token, part } = place;
  return ['pantoken record', String(organization), token, recordId, part, String(dataKeyEpoch)];
}
