import type { KeyEpoch } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import { addKey, nameOfKey } from './key-changes.ts';
import type { KeyJobStore, KeyName, KeyPurpose, KeyRecord } from './key-ports.ts';
import type {
  CardStore,
  Change,
  Clock,
  Directory,
  Keyring,
  Random,
  WrappedKeyStore,
} from './ports.ts';

/** What the use cases that change keys have in common. */
export interface KeyAdminDeps {
  readonly audited: Audited;
  readonly keys: WrappedKeyStore;
  readonly keyring: Keyring;
  readonly directory: Directory;
  readonly cards: CardStore;
  readonly jobs: KeyJobStore;
  readonly random: Random;
  readonly clock: Clock;
  pause(ms: number): Promise<void>;
}

/**
 * How long a step waits until every node has noticed the one before. Nodes ask twice a second;
 * this is four times as long, for a node whose reading takes its time.
 */
export const SETTLE_MS = 2_000;

/** The keys of one purpose, of an organization or the service, destroyed ones too, oldest first. */
export async function readSeries(
  { keys }: Pick<KeyAdminDeps, 'keys'>,
  organization: OrganizationNumber | undefined,
  purpose: KeyPurpose,
): Promise<readonly KeyRecord[]> {
  const all = await keys.listKeys();
  return all.filter((key) => key.organization === organization && key.purpose === purpose);
}

/** Makes changes of keys true, on record, and known to all nodes. Throws when they conflict. */
export async function changeKeys(
  { audited }: Pick<KeyAdminDeps, 'audited'>,
  context: RequestContext,
  action: Parameters<Audited>[1],
  key: Parameters<typeof nameOfKey>[0],
  changes: readonly Change[],
): Promise<void> {
  await audited(context, action, async (trail) => {
    const { organization } = key;
    trail.note({ key: nameOfKey(key), ...(organization !== undefined && { organization }) });
    await trail.demandCommit([...changes, { kind: 'count_directory_up' }], 'KEY_JOB_UNDER_WAY');
  });
}

/** A new key that every node knows and none makes anything with yet. */
export async function addWaitingKey(
  deps: KeyAdminDeps,
  context: RequestContext,
  name: KeyName,
  extra: { readonly bytes?: Uint8Array; readonly changes?: readonly Change[] } = {},
): Promise<void> {
  const key = await deps.keyring.newKey(name, extra.bytes);
  const changes = [...addKey(key, 'pre-active'), ...(extra.changes ?? [])];
  await changeKeys(deps, context, 'add_key', name, changes);
}

/** The waiting key becomes the one that makes, at once for everybody; the one before only opens. */
export async function activateKey(
  deps: KeyAdminDeps,
  context: RequestContext,
  before: KeyEpoch,
  name: KeyName,
  extra: readonly Change[] = [],
): Promise<void> {
  const at = { ...name, atMs: deps.clock.nowMs() };
  await changeKeys(deps, context, 'activate_key', name, [
    { ...at, kind: 'set_key_state', epoch: before.epoch, from: 'active', to: 'open-only' },
    { ...at, kind: 'set_key_state', from: 'pre-active', to: 'active' },
    ...extra,
  ]);
  await deps.keyring.refresh();
}
