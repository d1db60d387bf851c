import type { NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { makeToken, RANDOM_EPOCH } from '../domain/token-format.ts';
import type { RequestContext } from './audit-trail.ts';
import { demandRecord } from './find-number.ts';
import type { KeyAdminDeps } from './key-admin-deps.ts';
import { openPan, panPlace } from './open-record.ts';
import type { Change } from './ports.ts';
import { beginJob, type Report, walkNumbers } from './walk-numbers.ts';

export interface RetokenizeOutcome {
  readonly epoch: number;
  readonly movedCount: number;
  /** Numbers whose records do not agree with their seal: left as they are, each on record. */
  readonly damagedCount: number;
}

export type Retokenize = (
  context: RequestContext,
  organization: OrganizationNumber,
  report: Report,
) => Promise<RetokenizeOutcome>;

/** A node that has not noticed the rotation yet adds cards of the old epoch for at most a second. */
const ROUNDS_MAX = 5;

/**
 * Gives every card of an organization a token of the newest epoch. The token it had stays written
 * beside it and finds the card as before, until its epoch is closed.
 *
 * Each number moves in a transaction of its own, on record; interrupted, the job goes on where it was.
 *
 * @throws {Refusal} `ORGANIZATION_RECORD_MISSING`, `PAN_LENGTH_NOT_SERVED`, `KEY_UNAVAILABLE`
 */
export function makeRetokenize(deps: KeyAdminDeps): Retokenize {
  return async (context, organizationNumber, report) => {
    const organization = demandRecord(deps.directory, organizationNumber);
    await deps.keyring.refresh();
    const { epoch } = deps.keyring.tokenKeys(organizationNumber).active;
    const counts = { movedCount: 0, damagedCount: 0 };
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (await isDone(deps, organizationNumber, epoch, counts.damagedCount)) break;
      counts.damagedCount = 0;
      await moveAll(deps, context, organization, epoch, counts, report);
    }
    return { epoch, ...counts };
  };
}

async function isDone(
  { jobs }: KeyAdminDeps,
  organization: OrganizationNumber,
  epoch: number,
  damagedCount: number,
): Promise<boolean> {
  if ((await jobs.findJob(organization, 'retokenize')) !== undefined) return false;
  let olderCount = 0;
  for (const [each, count] of await jobs.countTokens(organization)) {
    if (each !== RANDOM_EPOCH && each < epoch) olderCount += count;
  }
  return olderCount <= damagedCount;
}

async function moveAll(
  deps: KeyAdminDeps,
  context: RequestContext,
  organization: Organization,
  epoch: number,
  counts: { movedCount: number; damagedCount: number },
  report: Report,
): Promise<void> {
  const { number } = organization;
  const found = await deps.jobs.findJob(number, 'retokenize');
  const begun = beginJob(number, 'retokenize', epoch, deps.clock.nowMs());
  const save = (changes: readonly Change[]) => noteProgress(deps, context, organization, changes);
  await walkNumbers(
    deps,
    found?.epoch === epoch ? found : begun,
    async (page, done) => {
      const older = page.filter((each) => each.epoch !== RANDOM_EPOCH && each.epoch < epoch);
      const moves = older.map((record) => move(deps, context, organization, record));
      for (const outcome of await Promise.all(moves)) {
        if (outcome === 'moved') counts.movedCount++;
        if (outcome === 'damaged') counts.damagedCount++;
      }
      await save([{ kind: 'save_key_job', job: done }]);
    },
    report,
  );
  await save([{ kind: 'end_key_job', organization: number, job: 'retokenize' }]);
}

async function noteProgress(
  { audited }: KeyAdminDeps,
  context: RequestContext,
  { number }: Organization,
  changes: readonly Change[],
): Promise<void> {
  await audited(context, 'retokenize', async (trail) => {
    trail.note({ organization: number });
    await trail.commit(changes);
  });
}

/** @returns `left` when there is nothing to move it to, or somebody else has moved it. */
async function move(
  deps: KeyAdminDeps,
  context: RequestContext,
  organization: Organization,
  record: NumberRecord,
): Promise<'moved' | 'left' | 'damaged'> {
  const { keyring, random, clock } = deps;
  try {
    return await deps.audited(context, 'retokenize', async (trail) => {
      trail.note({ organization: organization.number, token: record.token });
      const pan = openPan(keyring, record);
      const keys = keyring.tokenKeys(organization.number);
      const { token, epoch } = makeToken(organization.formats, keys, pan, random);
      if (epoch === RANDOM_EPOCH) {
        await trail.commit([]);
        return 'left';
      }
      const place = panPlace({ ...record, token });
      const moved = { ...record, token, epoch, sealedPan: keyring.seal(place, pan.reveal()) };
      await trail.demandCommit(
        [
          {
            kind: 'add_replaced_token',
            organization: record.organization,
            epoch: record.epoch,
            token: record.token,
            numberId: record.id,
            atMs: clock.nowMs(),
          },
          { kind: 'set_number_token', record: moved },
        ],
        'KEY_JOB_UNDER_WAY',
      );
      return 'moved';
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'RECORD_DAMAGED') return 'damaged';
    if (error.code === 'KEY_JOB_UNDER_WAY') return 'left';
    throw error;
  }
}
