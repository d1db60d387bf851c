import { Refusal } from '../domain/error.ts';
import { activeEpoch, nextEpoch } from '../domain/key-epoch.ts';
import type { RequestContext } from './audit-trail.ts';
import {
  activateKey,
  addWaitingKey,
  changeKeys,
  type KeyAdminDeps,
  readSeries,
  SETTLE_MS,
} from './key-admin-deps.ts';
import type { ServicePurpose } from './key-ports.ts';
import type { Change, Credentials } from './ports.ts';
import {
  pagesToReindex,
  type ReindexDeps,
  type RekeyPage,
  walkWatches,
} from './reindex-watches.ts';
import type { Report } from './walk-numbers.ts';
import type { SealedWatch, UpdaterVault } from './watch-vault.ts';

/**
 * Keys of the service that get a successor. The others are digests of what is not kept, and stay:
 * docs/keys.md says why.
 */
export const REKEYED_PURPOSES = [
  'caller-secret',
  'access-token',
  'updater-data',
  'updater-index',
  'updater-signing',
  'message',
  'audit',
] as const satisfies readonly ServicePurpose[];

export type RekeyedPurpose = (typeof REKEYED_PURPOSES)[number];

/** Reads of what is sealed under keys of the service. */
export interface ServiceSealStore {
  /** Watched cards and what is to be told of them, by panid, those after `panid`. */
  listSealedWatches(panid: string, limit: number): Promise<readonly SealedWatch[]>;
}

export interface RekeyServiceDeps extends KeyAdminDeps {
  readonly serviceKeys: { refresh(): Promise<void> };
  /** A new key: 32 bytes, or the private key of a pair. */
  newServiceKeyBytes(purpose: ServicePurpose): Uint8Array;
  readonly credentials: Pick<Credentials, 'rewrapSecret'>;
  readonly vault: Pick<UpdaterVault, 'reseal'> & ReindexDeps['vault'];
  readonly seals: ServiceSealStore & ReindexDeps['seals'];
}

export interface RekeyServiceOutcome {
  readonly epoch: number;
  /** `waits`: it is there to be handed out, and makes nothing yet. */
  readonly became: 'waits' | 'makes';
  /** What is damaged and stays under an older key. */
  readonly damagedCount: number;
}

/**
 * Gives the service a new key of a purpose, while it goes on. What was sealed under the one before is
 * sealed anew, what was found by it is found by the new one; what others hold (access tokens, messages,
 * signatures) is good under both until the older one is destroyed. Interrupted, it goes on where it was.
 *
 * @param until `there`: a pair whose public half has to be handed out first; the command is given again
 *   without it to make it the one that makes.
 * @throws {Refusal} `KEY_JOB_UNDER_WAY`
 */
export type RekeyService = (
  context: RequestContext,
  purpose: RekeyedPurpose,
  until: 'there' | 'active',
  report: Report,
) => Promise<RekeyServiceOutcome>;

export function makeRekeyService(deps: RekeyServiceDeps): RekeyService {
  return async (context, purpose, until, report) => {
    const epoch = await demandNewKey(deps, context, purpose);
    const name = { organization: undefined, purpose, epoch };
    const series = await readSeries(deps, undefined, purpose);
    const before = activeEpoch(series);
    if (before.epoch !== epoch) {
      await deps.pause(SETTLE_MS); // Every node opens and verifies with it before anything is made.
      if (until === 'there') return { epoch, became: 'waits', damagedCount: 0 };
      if (purpose === 'updater-index') await indexAhead(deps, context, epoch, report);
      await activateKey(deps, context, before, name);
    }
    const damagedCount = await reseal(deps, context, purpose, epoch, report);
    return { epoch, became: 'makes', damagedCount };
  };
}

/** Purposes whose key is given no successor before everything is under it. */
const ALL_UNDER_ONE: readonly RekeyedPurpose[] = ['caller-secret', 'updater-data', 'updater-index'];

/** The one that waits; the active one, when its work was interrupted; or a new one. */
async function demandNewKey(
  deps: RekeyServiceDeps,
  context: RequestContext,
  purpose: RekeyedPurpose,
): Promise<number> {
  const series = await readSeries(deps, undefined, purpose);
  const waiting = series.find(({ state }) => state === 'pre-active');
  if (waiting !== undefined) return waiting.epoch;
  if (ALL_UNDER_ONE.includes(purpose) && series.some(({ state }) => state === 'open-only')) {
    return activeEpoch(series).epoch;
  }
  const name = { organization: undefined, purpose, epoch: nextEpoch(series) };
  await addWaitingKey(deps, context, name, { bytes: deps.newServiceKeyBytes(purpose) });
  return name.epoch;
}

/**
 * How often all watched cards are looked at before an index key makes: a node a step behind adds cards
 * of the step before for at most a second.
 */
const ROUNDS_MAX = 5;

/**
 * Puts every watched card under the key that waits as well. Once that one makes, nodes add cards
 * under it alone, and what a merchant watches already must be in their way.
 *
 * @throws {Refusal} `KEY_JOB_UNDER_WAY` when there are new ones again and again.
 */
async function indexAhead(
  deps: RekeyServiceDeps,
  context: RequestContext,
  epoch: number,
  report: Report,
): Promise<void> {
  await deps.serviceKeys.refresh();
  const name = { organization: undefined, purpose: 'updater-index', epoch } as const;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    let changeCount = 0;
    for await (const { changes } of pagesToReindex(deps, report)) {
      if (changes.length > 0) await changeKeys(deps, context, 'rekey', name, changes);
      changeCount += changes.length;
    }
    if (changeCount === 0) return;
  }
  throw new Refusal('KEY_JOB_UNDER_WAY');
}

/** Seals anew, or has found anew, what is under older keys. @returns how many records are damaged. */
async function reseal(
  deps: RekeyServiceDeps,
  context: RequestContext,
  purpose: RekeyedPurpose,
  epoch: number,
  report: Report,
): Promise<number> {
  await deps.pause(SETTLE_MS); // No node makes anything with the old key any more.
  await deps.serviceKeys.refresh();
  const save = (changes: readonly Change[]) =>
    changeKeys(deps, context, 'rekey', { organization: undefined, purpose, epoch }, changes);
  let damagedCount = 0;
  for await (const page of pagesToReseal(deps, purpose, report)) {
    damagedCount += page.damagedCount;
    if (page.changes.length > 0) await save(page.changes);
  }
  return damagedCount;
}

/** How much is sealed under, or found by, other keys than the active one, damaged records among it. */
export async function countOlderSeals(
  deps: RekeyServiceDeps,
  purpose: RekeyedPurpose,
): Promise<number> {
  await deps.serviceKeys.refresh();
  let count = 0;
  for await (const page of pagesToReseal(deps, purpose, () => undefined)) {
    count += page.changes.length + page.damagedCount;
  }
  return count;
}

async function* pagesToReseal(
  deps: RekeyServiceDeps,
  purpose: RekeyedPurpose,
  report: Report,
): AsyncGenerator<RekeyPage> {
  if (purpose === 'caller-secret') yield await callersToReseal(deps);
  if (purpose === 'updater-index') yield* pagesToReindex(deps, report);
  if (purpose !== 'updater-data') return;
  const rekey = (page: readonly SealedWatch[]) => watchesToReseal(deps, page);
  yield* walkWatches(deps, deps.seals.listSealedWatches, rekey, report);
}

async function callersToReseal({ directory, credentials }: RekeyServiceDeps): Promise<RekeyPage> {
  await directory.refresh();
  const changes: Change[] = [];
  for (const { id } of directory.listCallers()) {
    for (const registered of directory.listCredentials(id)) {
      const wrappedSecret = credentials.rewrapSecret(registered);
      if (wrappedSecret === undefined) continue;
      const { apikeyDigest, wrappedSecret: before } = registered;
      changes.push({ kind: 'reseal_credential', apikeyDigest, wrappedSecret, before });
    }
  }
  return { changes, damagedCount: 0 };
}

/** Each change only where nobody was faster: an entry may end, and a notification be settled. */
function watchesToReseal({ vault }: RekeyServiceDeps, page: readonly SealedWatch[]): RekeyPage {
  const changes: Change[] = [];
  let damagedCount = 0;
  for (const { panid, merchantId, parts } of page) {
    for (const { part, sealed: before } of parts) {
      if (before.length === 0) continue; // It has ended, or was delivered.
      try {
        const sealed = vault.reseal({ panid, merchantId, part }, before);
        if (sealed !== undefined)
          changes.push({ kind: 'reseal_watch', panid, part, sealed, before });
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'RECORD_DAMAGED') throw error;
        damagedCount++;
      }
    }
  }
  return { changes, damagedCount };
}
