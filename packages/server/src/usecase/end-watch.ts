import { Refusal } from '../domain/error.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { Audited } from './audit-trail.ts';
import type { Clock } from './ports.ts';
import type { WatchStore } from './watch-ports.ts';

export type EndWatch = (merchant: Merchant, panid: string, requestId: string) => Promise<void>;

/**
 * Takes a card off the watchlist. What was to be told of it is not told any more; its number is
 * forgotten, at once or when its scheme has been told that it need not push any more.
 *
 * @throws {Refusal} `PANID_UNKNOWN`, also for one of another merchant
 */
export function makeEndWatch(deps: {
  audited: Audited;
  watch: WatchStore;
  clock: Clock;
}): EndWatch {
  return (merchant, panid, requestId) =>
    deps.audited({ who: `merchant:${merchant.id}`, requestId }, 'end_watch', async (trail) => {
      const watch = await deps.watch.findWatch(panid);
      if (watch?.merchantId !== merchant.id) throw new Refusal('PANID_UNKNOWN');
      trail.note({ panid });
      const { organization, subscribedAtMs } = watch;
      const end =
        subscribedAtMs === undefined
          ? ({ kind: 'end_watch', panid, organization } as const)
          : ({ kind: 'leave_watch', panid, organization, atMs: deps.clock.nowMs() } as const);
      await trail.commit([end]);
    });
}
