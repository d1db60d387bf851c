import type { NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import { activeEpoch, type KeyState, nextEpoch } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RequestContext } from './audit-trail.ts';
import { demandRecord } from './find-number.ts';
import {
  activateKey,
  addWaitingKey,
  changeKeys,
  type KeyAdminDeps,
  readSeries,
  SETTLE_MS,
} from './key-admin-deps.ts';
import type { KeyJob } from './key-ports.ts';
import { openPan } from './open-record.ts';
import type { Change } from './ports.ts';
import type { Rekey } from './rekey-data.ts';
import { pagesOfOutdated, pagesOfWaiting, type WatchersDeps } from './rekey-watchers.ts';
import { beginJob, type Report, START, walkNumbers } from './walk-numbers.ts';

/** A node a step behind writes rows of the step before for at most a second. */
const ROUNDS_MAX = 5;

export type RekeyIndexDeps = KeyAdminDeps & WatchersDeps;

/**
 * Gives an organization a new index key, while the service goes on finding numbers and refusing
 * duplicates. The states of the two keys say how far it is: see `arrangeIndexKeys` for what nodes do
 * at each. Interrupted, it goes on where it was.
 *
 * @returns `remainingCount` is always 0.
 * @throws {Refusal} `ORGANIZATION_RECORD_MISSING`, `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export function makeRekeyIndex(deps: RekeyIndexDeps): Rekey {
  return async (context, organization, report) => {
    demandRecord(deps.directory, organization);
    const job = await demandJob(deps, context, organization);
    const run: Run = { deps, context, organization, report, epoch: job.epoch };
    if ((await stateOf(run, job.epoch)) === 'pre-active') {
      await settle(run);
      await walkUntilDone(run, job, fillNext, 'withoutNextCount');
      const name = { organization, purpose: 'index', epoch: job.epoch } as const;
      const before = activeEpoch(await readSeries(deps, organization, 'index'));
      const restart = { kind: 'save_key_job', job: { ...job, position: START } } as const;
      await activateKey(deps, context, before, name, [restart]);
    }
    const old = job.epoch - 1;
    if ((await stateOf(run, old)) === 'open-only') {
      await settle(run);
      await moveWatchers(run, pagesOfWaiting);
      await moveOld(run, old, 'open-only', 'closed');
    }
    if ((await stateOf(run, old)) === 'closed') {
      await settle(run);
      await walkUntilDone(run, await jobOf(run), promote, 'notPromotedCount');
      await moveOld(run, old, 'closed', 'destroyed');
    }
    await settle(run);
    await walkUntilDone(run, await jobOf(run), clearNext, 'withNextCount');
    await moveWatchers(run, pagesOfOutdated);
    await save(run, [{ kind: 'end_key_job', organization, job: 'rekey-index' }]);
    return { epoch: job.epoch, remainingCount: 0 };
  };
}

interface Run {
  readonly deps: RekeyIndexDeps;
  readonly context: RequestContext;
  readonly organization: OrganizationNumber;
  readonly report: Report;
  readonly epoch: number;
}

async function demandJob(
  deps: RekeyIndexDeps,
  context: RequestContext,
  organization: OrganizationNumber,
): Promise<KeyJob> {
  const found = await deps.jobs.findJob(organization, 'rekey-index');
  if (found !== undefined) return found;
  const epoch = nextEpoch(await readSeries(deps, organization, 'index'));
  const job = beginJob(organization, 'rekey-index', epoch, deps.clock.nowMs());
  const name = { organization, purpose: 'index', epoch } as const;
  await addWaitingKey(deps, context, name, { changes: [{ kind: 'save_key_job', job }] });
  return job;
}

async function jobOf({ deps, organization }: Run): Promise<KeyJob> {
  const job = await deps.jobs.findJob(organization, 'rekey-index');
  if (job === undefined) throw new Refusal('KEY_JOB_UNDER_WAY');
  return job;
}

async function stateOf({ deps, organization }: Run, epoch: number): Promise<KeyState | undefined> {
  const series = await readSeries(deps, organization, 'index');
  return series.find((each) => each.epoch === epoch)?.state;
}

/** Every node, this one included, is at the step that is written in the database. */
async function settle({ deps }: Run): Promise<void> {
  await deps.pause(SETTLE_MS);
  await deps.keyring.refresh();
}

/** The old key takes one step more, and the walk of the next step begins at the first number. */
async function moveOld(run: Run, epoch: number, from: KeyState, to: KeyState): Promise<void> {
  const { deps, context, organization } = run;
  const name = { organization, purpose: 'index', epoch } as const;
  const job = { ...(await jobOf(run)), position: START, doneCount: 0 };
  const changes: Change[] = [
    { ...name, kind: 'set_key_state', from, to, atMs: deps.clock.nowMs() },
    { kind: 'save_key_job', job },
  ];
  if (to === 'destroyed') changes.push({ ...name, kind: 'delete_key' });
  const action = to === 'destroyed' ? 'destroy_key' : 'close_key';
  await changeKeys(deps, context, action, name, changes);
}

type Remaining = 'withoutNextCount' | 'notPromotedCount' | 'withNextCount';

async function walkUntilDone(
  run: Run,
  from: KeyJob,
  changeOf: (run: Run, record: NumberRecord) => Change | undefined,
  remaining: Remaining,
): Promise<void> {
  let job = from;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    await walkNumbers(
      run.deps,
      job,
      async (page, done) => {
        const changes = page.flatMap((record) => changeOf(run, record) ?? []);
        await save(run, [...changes, { kind: 'save_key_job', job: done }]);
      },
      run.report,
    );
    const counts = await run.deps.jobs.countIndexes(run.organization);
    if (counts[remaining] === 0) return;
    job = { ...job, position: START, doneCount: 0 };
  }
  throw new Refusal('KEY_JOB_UNDER_WAY');
}

function fillNext({ deps: { keyring } }: Run, record: NumberRecord): Change | undefined {
  if (record.nextPanIndex !== undefined) return undefined;
  const { next } = keyring.panIndex(record.organization, openPan(keyring, record));
  return { kind: 'set_next_pan_index', record: { ...record, nextPanIndex: next } };
}

function promote(_: Run, { organization, id, panIndex, nextPanIndex }: NumberRecord) {
  if (nextPanIndex === undefined || Buffer.from(panIndex).equals(nextPanIndex)) return undefined;
  return { kind: 'promote_pan_index', organization, numberId: id } as const;
}

function clearNext(_: Run, { organization, id, nextPanIndex }: NumberRecord) {
  if (nextPanIndex === undefined) return undefined;
  return { kind: 'clear_next_pan_index', organization, numberId: id } as const;
}

async function moveWatchers(
  run: Run,
  pagesOf: typeof pagesOfWaiting | typeof pagesOfOutdated,
): Promise<void> {
  for await (const changes of pagesOf(run.deps, run.organization)) {
    if (changes.length > 0) await save(run, changes);
  }
}

async function save(run: Run, changes: readonly Change[]): Promise<void> {
  const { deps, context, organization, epoch } = run;
  await deps.audited(context, 'rekey', async (trail) => {
    trail.note({ organization, key: `index key ${epoch}` });
    await trail.demandCommit(changes, 'KEY_JOB_UNDER_WAY');
  });
}
