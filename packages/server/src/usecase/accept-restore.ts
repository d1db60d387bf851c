import type { AuditLoss } from '../domain/audit-record.ts';
import type { Audited } from './audit-trail.ts';
import type { Clock } from './ports.ts';
import type { RestoreWatch } from './watch-restore.ts';

export interface AcceptRestoreDeps {
  readonly audited: Audited;
  readonly watch: RestoreWatch;
  readonly clock: Clock;
}

/** @param operator who answers for it. @returns what was accepted as lost. */
export type AcceptRestore = (operator: string, requestId: string) => Promise<readonly AuditLoss[]>;

/** Accepts, by name, that a restored database lacks what checkpoints know; changes are taken again. */
export function makeAcceptRestore({ audited, watch, clock }: AcceptRestoreDeps): AcceptRestore {
  return async (operator, requestId) => {
    const losses = watch.losses();
    if (losses.length === 0) return [];
    await audited({ who: `operator:${operator}`, requestId }, 'accept_restore', async (trail) => {
      trail.note({ losses });
      const atMs = clock.nowMs();
      await trail.commit(
        losses.map((loss) => ({ kind: 'accept_loss', loss, by: operator, atMs }) as const),
      );
    });
    await watch.refresh();
    return losses;
  };
}
