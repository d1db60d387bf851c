/**
 * Deletes cards after their time, for as long as the service runs. Part of the composition root.
 *
 * @module
 */
import type { Logger } from 'pino';
import type { OrganizationNumber } from './domain/organization-number.ts';
import type { RecordId } from './domain/record-id.ts';
import type { Directory, Random } from './usecase/ports.ts';
import { removing, type SweepDeps, sweepCards } from './usecase/sweep-cards.ts';

/** Between two passes of a walk: a pass is some milliseconds. */
const PASS_EVERY_MS = 1_000;

/** Between two walks. A time of retention is counted in days. */
const WALK_EVERY_MS = 60 * 60 * 1000;

export interface RetentionDeps extends SweepDeps {
  readonly directory: Pick<Directory, 'listOrganizations'>;
  readonly random: Random;
  readonly log: Logger;
}

export interface Retention {
  /** One pass for each organization that deletes. @returns whether a walk is under way. */
  sweep(): Promise<boolean>;
  start(): void;
  /** Resolves when nothing of it is under way. */
  close(): Promise<void>;
}

/** Several nodes sweep beside one another: what one has deleted is gone for the others. */
export function makeRetention(deps: RetentionDeps): Retention {
  const { directory, random, log } = deps;
  const places = new Map<OrganizationNumber, RecordId>();
  let underWay: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  async function sweep(): Promise<boolean> {
    for (const { number, retentionDays } of directory.listOrganizations()) {
      if (retentionDays === undefined) continue;
      const context = { who: 'retention', requestId: random.recordId() };
      const remove = removing(deps, context);
      const pass = await sweepCards(deps, number, retentionDays, places.get(number), remove);
      if (pass.next === undefined) places.delete(number);
      else places.set(number, pass.next);
    }
    return places.size > 0;
  }

  function turn(): void {
    underWay = sweep()
      .catch((err) => {
        log.error({ err }, 'cards could not be deleted after their time; it is tried again');
        return false;
      })
      .then((isWalking) => {
        if (!isStopped) timer = setTimeout(turn, isWalking ? PASS_EVERY_MS : WALK_EVERY_MS).unref();
      });
  }

  return {
    sweep,
    start() {
      // Nodes that start together do not sweep together.
      timer ??= setTimeout(turn, random.integerBelow(60_000)).unref();
    },
    async close() {
      isStopped = true;
      clearTimeout(timer);
      await underWay;
    },
  };
}
