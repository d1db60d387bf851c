import { effectiveChanges } from '../domain/account-change.ts';
import type { NumberRecord } from '../domain/card.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RecordId } from '../domain/record-id.ts';
import { endOfNumber, isOver, oldestKept } from '../domain/retention.ts';
import type { RequestContext } from './audit-trail.ts';
import { type DeleteNumberDeps, deleteNumber, listPredecessors } from './delete-number.ts';
import type { KeyJobStore } from './key-ports.ts';
import { START } from './walk-numbers.ts';

/** Numbers that one pass looks at: some milliseconds of reading, whatever is deleted. */
const PAGE_SIZE = 100;

export interface SweepDeps extends DeleteNumberDeps {
  readonly jobs: Pick<KeyJobStore, 'listNumbersAfter'>;
}

export interface SweepPass {
  /** Where the next pass begins; undefined: it was the last one of this walk. */
  readonly next: RecordId | undefined;
  readonly lookedAtCount: number;
  readonly dueCount: number;
  readonly deletedCount: number;
}

/**
 * One pass over the cards of an organization, the oldest first: those whose time of retention is over
 * are deleted. Ids grow with time, so that it ends where cards are too young.
 *
 * @param from where the pass before ended; undefined: at the beginning.
 * @param remove what is done with a number that is due; a dry run does nothing.
 */
export async function sweepCards(
  deps: SweepDeps,
  organization: OrganizationNumber,
  days: number,
  from: RecordId | undefined,
  remove: (record: NumberRecord) => Promise<boolean>,
): Promise<SweepPass> {
  const nowMs = deps.clock.nowMs();
  const page = await deps.jobs.listNumbersAfter(organization, from ?? START, PAGE_SIZE);
  let dueCount = 0;
  let deletedCount = 0;
  let lookedAtCount = 0;
  let isLast = page.length < PAGE_SIZE;
  for (const record of page) {
    if (record.createdAtMs > oldestKept(days, nowMs)) {
      isLast = true;
      break;
    }
    lookedAtCount++;
    if (!(await isDue(deps, record, days, nowMs))) continue;
    dueCount++;
    if (await remove(record)) deletedCount++;
  }
  const next = isLast ? undefined : page.at(-1)?.id;
  return { next, lookedAtCount, dueCount, deletedCount };
}

/** What {@link sweepCards} does unless it is a dry run. A number that others lead to waits for them. */
export function removing(deps: DeleteNumberDeps, context: RequestContext) {
  return async (record: NumberRecord): Promise<boolean> => {
    if ((await listPredecessors(deps.cards, record)).length > 0) return false;
    return deleteNumber(deps, context, record);
  };
}

async function isDue(
  { cards }: SweepDeps,
  { organization, id, lineage }: NumberRecord,
  days: number,
  nowMs: number,
): Promise<boolean> {
  const all = await cards.listCards(organization, id);
  if (all.length === 0) return false;
  const effective = effectiveChanges(await cards.listChanges(organization, lineage), nowMs);
  return isOver(endOfNumber(id, all, effective), days, nowMs);
}
