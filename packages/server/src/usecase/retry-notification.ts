import type { Audited, RequestContext } from './audit-trail.ts';
import type { Clock } from './ports.ts';

export type RetryNotification = (
  context: RequestContext,
  panid: string,
  position: number,
) => Promise<void>;

/** Sends a notification anew that was given up or waits for its next attempt, with all its retries. */
export function makeRetryNotification({
  audited,
  clock,
}: {
  audited: Audited;
  clock: Clock;
}): RetryNotification {
  return (context, panid, position) =>
    audited(context, 'retry_notification', async (trail) => {
      trail.note({ panid });
      await trail.commit([{ kind: 'retry_notification', panid, position, atMs: clock.nowMs() }]);
    });
}
