import type { Merchant } from '../domain/merchant.ts';
import type { UpdaterVault, WatchStore } from './watch-ports.ts';

export type ListPanids = (
  merchant: Merchant,
  customReference: string,
) => Promise<readonly string[]>;

/** The panids a merchant gave a custom reference to, oldest first, 10,000 at most. */
export function makeListPanids(deps: { watch: WatchStore; vault: UpdaterVault }): ListPanids {
  return (merchant, customReference) =>
    deps.watch.listPanids(merchant.id, deps.vault.customIndex(customReference).sought);
}
