import type { NumberRecord, Sealed } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import { activeEpoch, nextEpoch } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RequestContext } from './audit-trail.ts';
import { openDetails, sealDetails } from './card-details.ts';
import { demandRecord } from './find-number.ts';
import {
  activateKey,
  addWaitingKey,
  type KeyAdminDeps,
  readSeries,
  SETTLE_MS,
} from './key-admin-deps.ts';
import { openPan, orRefusal, panPlace } from './open-record.ts';
import type { Change } from './ports.ts';
import { beginJob, type Report, walkNumbers } from './walk-numbers.ts';

export type Rekey = (
  context: RequestContext,
  organization: OrganizationNumber,
  report: Report,
) => Promise<{ readonly epoch: number; readonly remainingCount: number }>;

/**
 * Gives an organization a new data key and seals everything anew under it, while the service goes
 * on: what is not done yet opens under the old key. Interrupted, the job goes on where it was.
 *
 * @returns `remainingCount`: what is sealed under older keys still; 0 unless records are damaged.
 * @throws {Refusal} `ORGANIZATION_RECORD_MISSING`, `KEY_UNAVAILABLE`, `KEY_JOB_UNDER_WAY`
 */
export function makeRekeyData(deps: KeyAdminDeps): Rekey {
  return async (context, organization, report) => {
    demandRecord(deps.directory, organization);
    const job = await demandJob(deps, context, organization);
    const name = { organization, purpose: 'data', epoch: job.epoch } as const;
    const series = await readSeries(deps, organization, 'data');
    const active = activeEpoch(series);
    if (active.epoch !== job.epoch) {
      await deps.pause(SETTLE_MS);
      await activateKey(deps, context, active, name);
    }
    await deps.keyring.refresh();
    await deps.pause(SETTLE_MS); // No node seals under the old key any more.
    const save = (changes: readonly Change[]) =>
      deps.audited(context, 'rekey', async (trail) => {
        trail.note({ organization, key: `data key ${job.epoch}` });
        await trail.commit(changes);
      });
    await walkNumbers(
      deps,
      job,
      async (page, done) => {
        const changes = await Promise.all(page.map((each) => resealed(deps, each, job.epoch)));
        await save([...changes.flat(), { kind: 'save_key_job', job: done }]);
      },
      report,
    );
    await save([{ kind: 'end_key_job', organization, job: 'rekey-data' }]);
    let remainingCount = 0;
    for (const [epoch, count] of await deps.jobs.countSealed(organization)) {
      if (epoch !== job.epoch) remainingCount += count;
    }
    return { epoch: job.epoch, remainingCount };
  };
}

/** The job that is under way, or a new one with a new key. */
async function demandJob(
  deps: KeyAdminDeps,
  context: RequestContext,
  organization: OrganizationNumber,
) {
  const found = await deps.jobs.findJob(organization, 'rekey-data');
  const series = await readSeries(deps, organization, 'data');
  const state = series.find(({ epoch }) => epoch === found?.epoch)?.state;
  // A job of a key that has been followed by another was left by a run that others overtook.
  const isLeft = state !== 'pre-active' && state !== 'active';
  if (found !== undefined && !isLeft) return found;
  const epoch = nextEpoch(series);
  const job = beginJob(organization, 'rekey-data', epoch, deps.clock.nowMs());
  const name = { organization, purpose: 'data', epoch } as const;
  await addWaitingKey(deps, context, name, { changes: [{ kind: 'save_key_job', job }] });
  return job;
}

/** Damaged texts stay as they are, and are counted in the end. @throws {Refusal} any other reason. */
function isDamaged<T>(opened: T | Refusal): opened is Refusal {
  if (!(opened instanceof Refusal)) return false;
  if (opened.code !== 'RECORD_DAMAGED') throw opened;
  return true;
}

/** A number and its cards under the newest key; each change only where nobody was faster. */
async function resealed(
  { keyring, cards }: KeyAdminDeps,
  record: NumberRecord,
  epoch: number,
): Promise<readonly Change[]> {
  const listed = await cards.listCards(record.organization, record.id);
  const isOld = ({ dataKeyEpoch }: Sealed) => dataKeyEpoch !== epoch;
  const isNumberOld = isOld(record.sealedPan);
  // Details vouch for the sealed PAN they were sealed beside: with a new one all are sealed anew.
  const resealing = isNumberOld ? listed : listed.filter((card) => isOld(card.sealedDetails));
  if (!isNumberOld && resealing.length === 0) return [];
  const pan = orRefusal(() => openPan(keyring, record));
  if (isDamaged(pan)) return [];
  const sealedPan = isNumberOld ? keyring.seal(panPlace(record), pan.reveal()) : record.sealedPan;
  const current = { ...record, sealedPan };
  const changes: Change[] = [];
  if (isNumberOld) {
    const fromEpoch = record.sealedPan.dataKeyEpoch;
    changes.push({ kind: 'reseal_number', record: current, fromEpoch });
  }
  for (const card of resealing) {
    const fromEpoch = card.sealedDetails.dataKeyEpoch;
    const details = orRefusal(() => openDetails(keyring, record, card));
    if (isDamaged(details)) continue;
    const sealedDetails = sealDetails(keyring, current, card.sequence, details, pan);
    changes.push({ kind: 'reseal_card', card: { ...card, sealedDetails }, fromEpoch });
  }
  return changes;
}
