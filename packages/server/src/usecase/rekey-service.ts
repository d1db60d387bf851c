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
import type { Report } from './walk-numbers.ts';
import type { SealedWatch, UpdaterVault } from './watch-ports.ts';

/**
 * Keys of the service that get a successor. The others are digests of what is not kept, and stay:
 * docs/keys.md says why.
 */
export const REKEYED_PURPOSES = [
  'caller-secret',
  'access-token',
  'updater-data',
  'updater-signing',
  'message',
  'audit',
] as const satisfies readonly ServicePurpose[];

export type RekeyedPurpose = (typeof REKEYED_PURPOSES)[number];

/** Reads of what is sealed under keys of the service. */
export interface ServiceSealStore {
  /** Watched cards and what is to be told of them, by panid, those after `panid`. */
  listSealedWatches(panid: string, limit: number): Promise<readonly SealedWatch[]>;
  countWatches(): Promise<number>;
}

export interface RekeyServiceDeps extends KeyAdminDeps {
  readonly serviceKeys: { refresh(): Promise<void> };
  /** A new key: 32 bytes, or the private key of a pair. */
  newServiceKeyBytes(purpose: ServicePurpose): Uint8Array;
  readonly credentials: Pick<Credentials, 'rewrapSecret'>;
  readonly vault: Pick<UpdaterVault, 'reseal'>;
  readonly seals: ServiceSealStore;
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
 * sealed anew; what others hold (access tokens, messages, signatures) is good under both until the
 * older one is destroyed. Interrupted, it goes on where it was.
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
      await activateKey(deps, context, before, name);
    }
    const damagedCount = await reseal(deps, context, purpose, epoch, report);
    return { epoch, became: 'makes', damagedCount };
  };
}

/** The one that waits; the active one, when its work was interrupted; or a new one. */
async function demandNewKey(
  deps: RekeyServiceDeps,
  context: RequestContext,
  purpose: RekeyedPurpose,
): Promise<number> {
  const series = await readSeries(deps, undefined, purpose);
  const waiting = series.find(({ state }) => state === 'pre-active');
  if (waiting !== undefined) return waiting.epoch;
  const isResealed = purpose === 'caller-secret' || purpose === 'updater-data';
  if (isResealed && series.some(({ state }) => state === 'open-only')) {
    return activeEpoch(series).epoch;
  }
  const name = { organization: undefined, purpose, epoch: nextEpoch(series) };
  await addWaitingKey(deps, context, name, { bytes: deps.newServiceKeyBytes(purpose) });
  return name.epoch;
}

/** Seals anew what is under older keys. @returns how many records are damaged. */
async function reseal(
  deps: RekeyServiceDeps,
  context: RequestContext,
  purpose: RekeyedPurpose,
  epoch: number,
  report: Report,
): Promise<number> {
  await deps.pause(SETTLE_MS); // No node seals under the old key any more.
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

/** How much is sealed under other keys than the active one, damaged records among it. */
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

interface ResealPage {
  readonly changes: readonly Change[];
  readonly damagedCount: number;
}

const PAGE_SIZE = 256;

async function* pagesToReseal(
  deps: RekeyServiceDeps,
  purpose: RekeyedPurpose,
  report: Report,
): AsyncGenerator<ResealPage> {
  if (purpose === 'caller-secret') yield await callersToReseal(deps);
  if (purpose !== 'updater-data') return;
  const totalCount = await deps.seals.countWatches();
  let doneCount = 0;
  for (let panid = ''; ; ) {
    const page = await deps.seals.listSealedWatches(panid, PAGE_SIZE);
    const last = page.at(-1);
    if (last === undefined) return;
    panid = last.panid;
    yield watchesToReseal(deps, page);
    doneCount += page.length;
    report({ doneCount, totalCount: Math.max(totalCount, doneCount) });
  }
}

async function callersToReseal({ directory, credentials }: RekeyServiceDeps): Promise<ResealPage> {
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
function watchesToReseal({ vault }: RekeyServiceDeps, page: readonly SealedWatch[]): ResealPage {
  const changes: Change[] = [];
  let damagedCount = 0;
  for (const { panid, merchantId, parts } of page) {
    for (const { position, sealed: before } of parts) {
      if (before.length === 0) continue; // It has ended.
      try {
        const part = position === undefined ? 'entry' : `notification:${position}`;
        const sealed = vault.reseal({ panid, merchantId, part }, before);
        if (sealed !== undefined)
          changes.push({ kind: 'reseal_watch', panid, position, sealed, before });
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'RECORD_DAMAGED') throw error;
        damagedCount++;
      }
    }
  }
  return { changes, damagedCount };
}
