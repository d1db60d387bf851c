import { createSecretKey, type KeyObject } from 'node:crypto';
import { knownAnswer, prepareKey, prepareKeys, type TokenKey } from '@pantoken/pan-token';
import type { PanIndex } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import { activeEpoch, livingEpochs } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { TokenKeys } from '../domain/token-format.ts';
import { nameOfKey } from '../usecase/key-changes.ts';
import type { KeyPurpose, KeyRecord, WrappedKey } from '../usecase/ports.ts';
import type { KeyWrapper } from './key-wrapper.ts';

/** The opened keys of one organization, ready for use. */
export interface OpenedKeys {
  readonly token: TokenKeys;
  readonly index: {
    readonly current: KeyObject;
    readonly next: KeyObject | undefined;
    readonly findBy: PanIndex['findBy'];
  };
  readonly reference: KeyObject;
  readonly data: {
    readonly active: { readonly epoch: number; readonly key: KeyObject };
    readonly living: ReadonlyMap<number, KeyObject>;
  };
}

/** All keys of one reading of the database. */
export interface OpenedKeyring {
  readonly organizations: ReadonlyMap<OrganizationNumber, OpenedKeys>;
  /** By the place and the wrapped bytes of a key: what has not changed is not unwrapped again. */
  readonly byWrapping: ReadonlyMap<string, KeyObject | TokenKey>;
  /** The ids of the key-encryption keys in use. */
  readonly keks: ReadonlySet<string>;
}

/** Every organization has one series of each; zone keys are read by those who use them. */
const PURPOSES: readonly KeyPurpose[] = ['token', 'index', 'data', 'reference'];

/** So many keys are unwrapped at a time: a provider over a network takes milliseconds for each. */
const UNWRAPS_AT_ONCE = 8;

/**
 * Unwraps the keys of all organizations and checks the known answers of token keys.
 *
 * @param before what was opened earlier; unchanged keys are taken over from it.
 * @throws {Refusal} `KEY_DAMAGED`
 * @throws {KeyProviderError}
 */
export async function openKeys(
  wrapper: KeyWrapper,
  records: readonly KeyRecord[],
  before: OpenedKeyring | undefined,
): Promise<OpenedKeyring> {
  const own = records.filter(
    ({ organization, purpose }) => organization !== undefined && PURPOSES.includes(purpose),
  );
  const keys = own.flatMap(({ key }) => (key === undefined ? [] : [key]));
  const byWrapping = new Map<string, KeyObject | TokenKey>();
  const waiting = keys[Symbol.iterator]();
  async function work(): Promise<void> {
    for (const key of waiting) {
      const place = wrappingOf(key);
      byWrapping.set(place, before?.byWrapping.get(place) ?? (await openKey(wrapper, key)));
    }
  }
  await Promise.all(Array.from({ length: UNWRAPS_AT_ONCE }, work));
  const byOrganization = Map.groupBy(own, ({ organization }) => organization);
  const organizations = new Map<OrganizationNumber, OpenedKeys>();
  for (const [organization, series] of byOrganization) {
    if (organization !== undefined) organizations.set(organization, arrange(series, byWrapping));
  }
  const keks = new Set(records.flatMap(({ key }) => (key === undefined ? [] : [key.kek])));
  return { organizations, byWrapping, keks };
}

async function openKey(wrapper: KeyWrapper, stored: WrappedKey): Promise<KeyObject | TokenKey> {
  const bytes = await wrapper.unwrap(stored);
  if (stored.purpose !== 'token') return createSecretKey(bytes);
  const key = prepareKey(stored.epoch, bytes);
  if (knownAnswer(key) === stored.knownAnswer) return key;
  const reason = 'it does not make the token that is stored beside it';
  throw new Refusal('KEY_DAMAGED', { key: nameOfKey(stored), reason });
}

function wrappingOf({ organization, purpose, epoch, id, wrapped, ...key }: WrappedKey): string {
  const name = [organization, purpose, epoch, id, key.kek, key.environment, key.createdAtMs];
  const answers = [key.knownAnswer, key.checkValue, Buffer.from(wrapped).toString('hex')];
  return [...name, ...answers].join(' ');
}

function arrange(
  series: readonly KeyRecord[],
  byWrapping: ReadonlyMap<string, KeyObject | TokenKey>,
): OpenedKeys {
  const of = (purpose: KeyPurpose) => series.filter((record) => record.purpose === purpose);
  const opened = <T>(record: KeyRecord | undefined): T => {
    const key = record?.key && byWrapping.get(wrappingOf(record.key));
    if (key !== undefined) return key as T;
    const name = record === undefined ? 'a key' : nameOfKey(record);
    throw new Refusal('KEY_DAMAGED', { key: name, reason: 'it is missing in the database' });
  };
  const data = livingEpochs(of('data')) as readonly KeyRecord[];
  const activeData = activeEpoch(data) as KeyRecord;
  return {
    token: arrangeTokenKeys(of('token'), opened),
    index: arrangeIndexKeys(of('index'), opened),
    reference: opened(activeEpoch(of('reference')) as KeyRecord),
    data: {
      active: { epoch: activeData.epoch, key: opened(activeData) },
      living: new Map(data.map((record) => [record.epoch, opened(record)])),
    },
  };
}

type Opened = <T>(record: KeyRecord | undefined) => T;

function arrangeTokenKeys(series: readonly KeyRecord[], opened: Opened): TokenKeys {
  const living = livingEpochs(series) as readonly KeyRecord[];
  const epochsIn = (state: KeyRecord['state']) =>
    series.filter((record) => record.state === state).map(({ epoch }) => epoch);
  return {
    active: opened(activeEpoch(series) as KeyRecord),
    living: prepareKeys(living.map((record) => opened<TokenKey>(record))),
    closed: new Set(epochsIn('closed')),
    destroyed: epochsIn('destroyed'),
  };
}

/**
 * Which index a node writes and finds by while one index key takes over from another. At every step
 * a node finds what nodes that are one step ahead or behind have written, and one of the two columns
 * is complete and unique for all of them.
 *
 * | old key | new key | writes current, next | finds by |
 * |---|---|---|---|
 * | active | - | old, - | current |
 * | active | pre-active | old, new | current |
 * | open-only | active | old, new | next |
 * | closed | active | new, new | next, else current |
 * | destroyed | active | new, - | current |
 */
function arrangeIndexKeys(series: readonly KeyRecord[], opened: Opened): OpenedKeys['index'] {
  const inState = (state: KeyRecord['state']) => series.find((record) => record.state === state);
  const active = opened<KeyObject>(activeEpoch(series) as KeyRecord);
  const old = inState('open-only');
  if (old !== undefined) return { current: opened(old), next: active, findBy: 'next' };
  if (inState('closed')) return { current: active, next: active, findBy: 'either' };
  const waiting = inState('pre-active');
  return { current: active, next: waiting && opened<KeyObject>(waiting), findBy: 'current' };
}
