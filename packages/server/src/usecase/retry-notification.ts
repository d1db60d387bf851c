import { Refusal } from '../domain/error.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import type { Clock } from './ports.ts';
import type { WatchStore } from './watch-ports.ts';

/** Of a card that is known, what there was to do. */
export type Retried = 'retried' | 'delivered_already' | 'no_such_notification';

export type RetryNotification = (
  context: RequestContext,
  panid: string,
  position: number,
) => Promise<Retried>;

/**
 * Sends a notification anew that was given up or waits for its next attempt, with all its retries.
 *
 * @throws {Refusal} `PANID_UNKNOWN` when the card is not watched and has no such notification
 */
export function makeRetryNotification({
  audited,
  clock,
  watch,
}: {
  audited: Audited;
  clock: Clock;
  watch: Pick<WatchStore, 'findWatch' | 'findNotification'>;
}): RetryNotification {
  return (context, panid, position) =>
    audited(context, 'retry_notification', async (trail) => {
      const state = await watch.findNotification(panid, position);
      const isKnown = state !== undefined || (await watch.findWatch(panid)) !== undefined;
      if (!isKnown) throw new Refusal('PANID_UNKNOWN');
      trail.note({ panid }); // Not before: it could be anything that somebody mistyped.
      const isOver = state === undefined || state === 'delivered';
      const retry = { kind: 'retry_notification', panid, position, atMs: clock.nowMs() } as const;
      await trail.commit(isOver ? [] : [retry]);
      if (!isOver) return 'retried';
      return state === undefined ? 'no_such_notification' : 'delivered_already';
    });
}
