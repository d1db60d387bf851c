import type { NumberRecord } from '../domain/card.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { KeyAdminDeps } from './key-admin-deps.ts';
import type { KeyJob, KeyJobName } from './key-ports.ts';

/** Before the first record. */
export const START = '0'.repeat(32) as RecordId;

/** Numbers of one page: a transaction of some milliseconds, so that nobody waits long behind it. */
const PAGE_SIZE = 256;

export interface Progress {
  readonly doneCount: number;
  readonly totalCount: number;
}

export type Report = (progress: Progress) => void;

/** A job that begins, or one that was interrupted and goes on. */
export function beginJob(
  organization: OrganizationNumber,
  job: KeyJobName,
  epoch: number,
  nowMs: number,
): KeyJob {
  const times = { startedAtMs: nowMs, updatedAtMs: nowMs };
  return { organization, job, epoch, position: START, doneCount: 0, ...times };
}

/**
 * Walks over all numbers of an organization, by id, a page at a time. Ids grow with time, so that
 * numbers added meanwhile come at the end.
 *
 * @param work does a page and saves the job that is handed to it, which says that the page is done.
 */
export async function walkNumbers(
  { jobs, clock }: Pick<KeyAdminDeps, 'jobs' | 'clock'>,
  from: KeyJob,
  work: (page: readonly NumberRecord[], done: KeyJob) => Promise<void>,
  report: Report,
): Promise<KeyJob> {
  const totalCount = await jobs.countNumbers(from.organization);
  let job = from;
  for (;;) {
    const page = await jobs.listNumbersAfter(job.organization, job.position, PAGE_SIZE);
    const last = page.at(-1);
    if (last === undefined) return job;
    const doneCount = job.doneCount + page.length;
    job = { ...job, position: last.id, doneCount, updatedAtMs: clock.nowMs() };
    await work(page, job);
    report({ doneCount, totalCount: Math.max(totalCount, doneCount) });
  }
}
