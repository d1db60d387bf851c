import type { Merchant } from '../domain/merchant.ts';
import type { WatchStore } from './watch-ports.ts';
import type { UpdaterVault } from './watch-vault.ts';

export interface PanidPage {
  readonly panids: readonly string[];
  /** The last one, where there may be more behind it. */
  readonly next?: string;
}

/** @param after a panid; the page begins behind it. Empty: with the first. */
export type ListPanids = (
  merchant: Merchant,
  customReference: string,
  page: { readonly after: string; readonly limit: number },
) => Promise<PanidPage>;

/** The panids a merchant gave a custom reference to, in their own order, a page at a time. */
export function makeListPanids(deps: { watch: WatchStore; vault: UpdaterVault }): ListPanids {
  return async (merchant, customReference, { after, limit }) => {
    const { sought } = deps.vault.customIndex(customReference);
    const panids = await deps.watch.listPanids(merchant.id, sought, after, limit);
    const next = panids.length < limit ? undefined : panids.at(-1);
    return { panids, ...(next !== undefined && { next }) };
  };
}
