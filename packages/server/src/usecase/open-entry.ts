import type { Expiry } from '../domain/expiry.ts';
import type { Merchant } from '../domain/merchant.ts';
import { CardNumber } from '../domain/pan.ts';
import type { Directory } from './ports.ts';
import type { WatchedEntry } from './watch-news.ts';
import type { ClaimedEntry, UpdaterVault, WatchedCard } from './watch-ports.ts';

/** A claimed entry with its merchant; an inquiry about its card, too. */
export interface OpenedEntry extends WatchedEntry {
  readonly merchant: Merchant;
  /** Nobody is told of it any more: it was taken off the list, or its merchant is disabled. */
  readonly isOver: boolean;
}

/** @returns nothing for a merchant that is not known here yet: the claim runs out. */
export function openEntry(
  { directory, vault }: { readonly directory: Directory; readonly vault: UpdaterVault },
  entry: ClaimedEntry,
): OpenedEntry[] {
  const { panid, merchantId, sealed } = entry;
  const merchant = directory.findMerchantById(merchantId);
  if (merchant === undefined) return [];
  const card: WatchedCard = JSON.parse(vault.open({ panid, merchantId, part: 'entry' }, sealed));
  const isOver = entry.isEnding || merchant.disabledAtMs !== undefined;
  const number = CardNumber.parseNumber(card.pan);
  return [{ entry, card, merchant, isOver, number, expiry: card.expiry as Expiry }];
}
