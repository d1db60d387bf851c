import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { Refusal } from '../domain/error.ts';
import type { KeyState } from '../domain/key-epoch.ts';
import { nameOfKey } from '../usecase/key-changes.ts';
import type { ServicePurpose } from '../usecase/key-ports.ts';
import type { Clock, KeyRecord, WrappedKey, WrappedKeyStore } from '../usecase/ports.ts';
import { type KeyWrapper, newKeyBytes } from './key-wrapper.ts';

/** A key of the service, and those before it that are not destroyed. It changes while it runs. */
export interface KeySeries {
  /** The one that makes. */
  active(): KeyObject;
  /** All that open or verify: the active one, then the others, newest first. */
  living(): readonly KeyObject[];
}

/** Keys that something is found by: what is made is ready for the next of them. */
export interface IndexKeySeries extends KeySeries {
  /** The one that makes next; undefined: none has been made for that. */
  waiting(): KeyObject | undefined;
}

export type PairPurpose = Extract<ServicePurpose, 'updater-signing' | 'message' | 'audit'>;

/** What is handed out of a pair. */
export interface PublicHalf {
  readonly epoch: number;
  readonly state: KeyState;
  /** SubjectPublicKeyInfo. */
  readonly pem: string;
}

/** The keys of the service itself, opened. */
export interface ServiceKeys {
  readonly credentialIndex: KeyObject;
  readonly callerSecret: KeySeries;
  readonly accessToken: KeySeries;
  readonly updaterIndex: IndexKeySeries;
  readonly updaterData: KeySeries;
  /** Ed25519, signs notifications. */
  readonly updaterSigning: KeySeries;
  /** RSA-4096, what merchants encrypt requests to. */
  readonly message: KeySeries;
  /** Ed25519, signs checkpoints of the audit log. */
  readonly audit: KeySeries;
  /** The public halves of a pair and its predecessors, the active one first. */
  publicHalves(purpose: PairPurpose): readonly PublicHalf[];
  /**
   * Reads them anew: what another process has changed.
   *
   * @throws {Refusal} `KEY_DAMAGED`; those there were serve on.
   * @throws {KeyProviderError} as well, when a key is new and its provider is gone.
   */
  refresh(): Promise<void>;
}

/** RSA-4096 is what the documentation of the account updater's message encryption names. */
const MESSAGE_KEY_BITS = 4096;

const PURPOSES: readonly ServicePurpose[] = [
  ...(['credential-index', 'caller-secret', 'access-token', 'updater-index'] as const),
  ...(['updater-data', 'updater-signing', 'message', 'audit'] as const),
];

const PAIRS: readonly ServicePurpose[] = [
  'updater-signing',
  'message',
  'audit',
] satisfies readonly PairPurpose[];

/** A new key of a purpose: 32 bytes, or the private key of a pair in PKCS #8. */
export function newServiceKeyBytes(purpose: ServicePurpose): Uint8Array {
  if (!PAIRS.includes(purpose)) return newKeyBytes();
  const { privateKey } =
    purpose === 'message'
      ? generateKeyPairSync('rsa', { modulusLength: MESSAGE_KEY_BITS })
      : generateKeyPairSync('ed25519');
  return privateKey.export({ type: 'pkcs8', format: 'der' });
}

/** Makes and wraps the keys of a new service. */
export async function newServiceKeys(
  wrapper: KeyWrapper,
  clock: Clock,
): Promise<readonly WrappedKey[]> {
  const createdAtMs = clock.nowMs();
  return Promise.all(
    PURPOSES.map((purpose) => {
      const name = { organization: undefined, purpose, epoch: 1 };
      const bytes = newServiceKeyBytes(purpose);
      return wrapper.wrap({ ...name, createdAtMs, knownAnswer: undefined }, bytes);
    }),
  );
}

interface OpenedKey extends Pick<PublicHalf, 'epoch' | 'state'> {
  readonly key: KeyObject;
}

type Opened = ReadonlyMap<ServicePurpose, readonly OpenedKey[]>;

/** @throws {Error} when a key is missing, does not open, or its provider is gone. */
export async function openServiceKeys(
  wrapper: KeyWrapper,
  store: WrappedKeyStore,
): Promise<ServiceKeys> {
  /** Those of the last reading: what has not changed is not unwrapped again, what is gone is let go. */
  let byWrapping = new Map<string, KeyObject>();
  let opened = await openAll();
  let living = keysOf(opened);

  async function openAll(): Promise<Opened> {
    const records = await store.listKeys();
    const fresh = new Map<string, KeyObject>();
    const series = new Map<ServicePurpose, readonly OpenedKey[]>();
    for (const purpose of PURPOSES) {
      const keys: OpenedKey[] = [];
      for (const { epoch, state, key } of livingOf(records, purpose)) {
        const place = wrappingOf(key);
        const opened = byWrapping.get(place) ?? (await openKey(wrapper, key));
        fresh.set(place, opened);
        keys.push({ epoch, state, key: opened });
      }
      series.set(purpose, keys);
    }
    byWrapping = fresh;
    return series;
  }

  const seriesOf = (purpose: ServicePurpose): IndexKeySeries => ({
    active: () => demandFirst(opened, purpose),
    living: () => living.get(purpose) ?? [],
    waiting: () => opened.get(purpose)?.find(({ state }) => state === 'pre-active')?.key,
  });
  return {
    credentialIndex: demandFirst(opened, 'credential-index'),
    callerSecret: seriesOf('caller-secret'),
    accessToken: seriesOf('access-token'),
    updaterIndex: seriesOf('updater-index'),
    updaterData: seriesOf('updater-data'),
    updaterSigning: seriesOf('updater-signing'),
    message: seriesOf('message'),
    audit: seriesOf('audit'),
    publicHalves: (purpose) =>
      (opened.get(purpose) ?? []).map(({ epoch, state, key }) => {
        const publicKey = createPublicKey(key.export({ type: 'pkcs8', format: 'pem' }));
        return { epoch, state, pem: String(publicKey.export({ type: 'spki', format: 'pem' })) };
      }),
    async refresh() {
      opened = await openAll();
      living = keysOf(opened);
    },
  };
}

async function openKey(wrapper: KeyWrapper, key: WrappedKey): Promise<KeyObject> {
  const bytes = await wrapper.unwrap(key);
  if (!PAIRS.includes(key.purpose as ServicePurpose)) return createSecretKey(bytes);
  return createPrivateKey({ key: bytes, type: 'pkcs8', format: 'der' });
}

function wrappingOf(key: WrappedKey): string {
  const { id, kek, environment, createdAtMs, checkValue, wrapped } = key;
  const facts = [nameOfKey(key), id, kek, environment, createdAtMs, checkValue];
  return [...facts, Buffer.from(wrapped).toString('hex')].join(' ');
}

/** Once for each reading: they are asked for with every request. */
function keysOf(opened: Opened): ReadonlyMap<ServicePurpose, readonly KeyObject[]> {
  return new Map([...opened].map(([purpose, all]) => [purpose, all.map(({ key }) => key)]));
}

/** @throws {Refusal} `KEY_DAMAGED` when there is not exactly one that makes, or one has no bytes. */
function livingOf(
  records: readonly KeyRecord[],
  purpose: ServicePurpose,
): readonly (KeyRecord & { readonly key: WrappedKey })[] {
  const own = records.filter(
    (each) =>
      each.organization === undefined && each.purpose === purpose && each.state !== 'destroyed',
  );
  const active = own.filter(({ state }) => state === 'active');
  const rest = own.filter(({ state }) => state !== 'active').sort((a, b) => b.epoch - a.epoch);
  const keys = [...active, ...rest].flatMap((each) =>
    each.key === undefined ? [] : [{ ...each, key: each.key }],
  );
  if (active.length === 1 && keys.length === own.length) return keys;
  const key = `a ${purpose} key of the service`;
  throw new Refusal('KEY_DAMAGED', { key, reason: 'it is missing in the database' });
}

function demandFirst(opened: Opened, purpose: ServicePurpose): KeyObject {
  const [first] = opened.get(purpose) ?? [];
  if (first === undefined) throw new Error(`the service has no ${purpose} key`);
  return first.key;
}
