import { Refusal } from '../domain/error.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import type { Clock, Directory } from './ports.ts';
import type { WatchStore } from './watch-ports.ts';

export type DisableMerchant = (context: RequestContext, name: string) => Promise<void>;

export interface DisableMerchantDeps {
  readonly audited: Audited;
  readonly directory: Directory;
  readonly watch: Pick<WatchStore, 'isWatching'>;
  readonly clock: Clock;
}

/**
 * Ends everything a merchant has, for good: it is out at once, and its cards are taken off its
 * watchlist, which the updater then forgets. Interrupted, it goes on when it is done again; a card
 * that is left goes at its next check.
 *
 * @throws {Refusal} `MERCHANT_NOT_FOUND`
 */
export function makeDisableMerchant(deps: DisableMerchantDeps): DisableMerchant {
  const { audited, directory, watch, clock } = deps;
  return async (context, name) => {
    const merchant = await audited(context, 'disable_merchant', async (trail) => {
      const found = directory.listMerchants().find((each) => each.name === name);
      if (found === undefined) throw new Refusal('MERCHANT_NOT_FOUND');
      const { id: merchantId } = found;
      trail.note({ merchantId });
      await trail.commit([
        { kind: 'disable_merchant', merchantId, atMs: clock.nowMs() },
        { kind: 'count_directory_up' },
      ]);
      return found;
    });
    await directory.refresh();
    const { id: merchantId } = merchant;
    while (await watch.isWatching(merchantId)) {
      await audited(context, 'end_watch', async (trail) => {
        trail.note({ merchantId });
        await trail.commit([{ kind: 'leave_merchant', merchantId, atMs: clock.nowMs() }]);
      });
    }
  };
}
