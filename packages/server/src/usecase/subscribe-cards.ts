import { Refusal } from '../domain/error.ts';
import type { AccountInquiry, AccountUpdateSource } from './account-update-source.ts';
import type { AccountUpdates } from './route-inquiries.ts';
import type { WatchStore } from './watch-ports.ts';
import type { UpdaterVault } from './watch-vault.ts';

export interface SubscribeCardsDeps {
  readonly accountUpdates: AccountUpdates;
  readonly watch: WatchStore;
  readonly vault: UpdaterVault;
}

/** What became of a subscription; undefined where the source does not push. */
export type Subscription = 'done' | Refusal | undefined;

/**
 * Asks the schemes to push what becomes of cards. Before they are asked where the cards stand: what
 * changes in between is then pushed, too.
 */
export async function subscribeCards<T extends AccountInquiry>(
  { accountUpdates }: SubscribeCardsDeps,
  cards: readonly T[],
): Promise<ReadonlyMap<T, Subscription>> {
  const results = new Map<T, Subscription>();
  const bySource = Map.groupBy(cards, (card) => accountUpdates.sourceOf(card.number));
  await Promise.all(
    [...bySource].map(async ([source, asked]) => {
      if (!source.pushes) return;
      const refusals = await source.subscribe(asked);
      for (const [index, card] of asked.entries()) results.set(card, refusals[index] ?? 'done');
    }),
  );
  return results;
}

/**
 * Ends the subscription of a card, unless somebody still watches it as the same client of the scheme:
 * to the scheme the two are one.
 *
 * @returns why the scheme did not take it.
 */
export async function unsubscribeCard(
  { accountUpdates, watch, vault }: SubscribeCardsDeps,
  card: AccountInquiry,
): Promise<Refusal | undefined> {
  const source = accountUpdates.sourceOf(card.number);
  if (!source.pushes) return undefined;
  const watchers = await watch.listWatchers(vault.numberIndex(card.number).sought);
  const own = source.subscriberOf(card.merchant.id);
  if (watchers.some((merchantId) => source.subscriberOf(merchantId) === own)) return undefined;
  const [refusal] = await source.unsubscribe([card]);
  return refusal;
}

/** A source that never pushes. */
export const NO_PUSHES: Pick<
  AccountUpdateSource,
  'pushes' | 'subscriberOf' | 'subscribe' | 'unsubscribe' | 'handleCallback'
> = {
  pushes: false,
  subscriberOf: () => undefined,
  subscribe: async (inquiries) => inquiries.map(() => undefined),
  unsubscribe: async (inquiries) => inquiries.map(() => undefined),
  handleCallback: () => Promise.reject(new Refusal('ROUTE_UNKNOWN')),
};
