import { Refusal } from '../domain/error.ts';
import type { Expiry } from '../domain/expiry.ts';
import type { Merchant } from '../domain/merchant.ts';
import { CardNumber } from '../domain/pan.ts';
import type { Directory } from './ports.ts';
import type { WatchedEntry } from './watch-news.ts';
import type { ClaimedEntry, WatchedCard } from './watch-ports.ts';
import type { UpdaterVault } from './watch-vault.ts';

/** A claimed entry with its merchant; an inquiry about its card, too. */
export interface OpenedEntry extends WatchedEntry {
  readonly merchant: Merchant;
  /** Nobody is told of it any more: it was taken off the list, or its merchant is disabled. */
  readonly isOver: boolean;
}

/** A claimed entry that does not open: its card is not known. */
export interface DamagedEntry extends Pick<OpenedEntry, 'entry' | 'isOver'> {
  /** `RECORD_DAMAGED` */
  readonly refusal: Refusal;
}

export interface OpenEntryDeps {
  readonly directory: Directory;
  readonly vault: UpdaterVault;
}

/**
 * Opens what was claimed, each for itself: one that is damaged does not stop the others. Those of a
 * merchant that is not known here yet are left out: their claims run out.
 */
export function openEntries(
  deps: OpenEntryDeps,
  claimed: readonly ClaimedEntry[],
): { readonly opened: readonly OpenedEntry[]; readonly damaged: readonly DamagedEntry[] } {
  const opened: OpenedEntry[] = [];
  const damaged: DamagedEntry[] = [];
  for (const entry of claimed) {
    const merchant = deps.directory.findMerchantById(entry.merchantId);
    if (merchant === undefined) continue;
    const isOver = entry.isEnding || merchant.disabledAtMs !== undefined;
    try {
      opened.push({ ...openCard(deps, entry), merchant, isOver });
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'RECORD_DAMAGED') throw error;
      damaged.push({ entry, isOver, refusal: error });
    }
  }
  return { opened, damaged };
}

/** @throws {Refusal} `RECORD_DAMAGED` */
function openCard({ vault }: OpenEntryDeps, entry: ClaimedEntry): WatchedEntry {
  const { panid, merchantId, sealed } = entry;
  const card: WatchedCard = JSON.parse(vault.open({ panid, merchantId, part: 'entry' }, sealed));
  const number = CardNumber.parseNumber(card.pan);
  return { entry, card, number, expiry: card.expiry as Expiry };
}
