import assert from 'node:assert/strict';
import { Pan } from '../../src/domain/pan.ts';
import { makeUpdaterVault } from '../../src/keys/updater-vault.ts';
import type { OpenedHome } from '../../src/opened-home.ts';
import { makeServiceSealStore } from '../../src/store/key-store.ts';

const MERCHANT = 'merchant-of-watches';

const panOf = (index: number) => Pan.withCheckDigit(`540208${String(index).padStart(9, '9')}`);

const panidOf = (index: number) => index.toString(16).padStart(32, '0');

/** Puts so many cards on a watchlist, each with a notification that waits, and one that has ended. */
export async function addWatches(opened: OpenedHome, count: number): Promise<void> {
  const vault = makeUpdaterVault(opened.serviceKeys);
  for (let index = 1; index <= count + 1; index++) {
    const panid = panidOf(index);
    const place = { panid, merchantId: MERCHANT };
    const atMs = Date.now();
    const requestId = opened.random.recordId();
    const outcome = await opened.audit.ledger.commit({
      changes: [
        {
          kind: 'add_watch',
          entry: {
            ...place,
            panIndex: vault.numberIndex(panOf(index)),
            sealed: vault.seal({ ...place, part: 'entry' }, panOf(index).reveal()),
            nextCheckAtMs: atMs,
            createdAtMs: atMs,
          },
        },
        {
          kind: 'add_notification',
          notification: {
            ...{ ...place, position: 1, requestId, createdAtMs: atMs },
            sealed: vault.seal({ ...place, part: 'notification:1' }, `told of ${index}`),
          },
        },
        ...(index > count ? [{ kind: 'end_watch', panid, organization: undefined } as const] : []),
      ],
      audit: { atMs, who: 'updater', action: 'add_watch', outcome: 'done', requestId },
    });
    assert(outcome.committed);
  }
}

/** Every one of them opens to its own number and text. @returns how many there are. */
export async function demandWatches(opened: OpenedHome): Promise<number> {
  const vault = makeUpdaterVault(opened.serviceKeys);
  const all = await makeServiceSealStore(opened.reader).listSealedWatches('', 10_000);
  let count = 0;
  for (const { panid, merchantId, parts } of all) {
    const index = Number.parseInt(panid, 16);
    const [entry, notification] = parts;
    assert(entry);
    if (entry.sealed.length === 0) continue; // Ended.
    count++;
    const place = { panid, merchantId };
    assert.equal(vault.open({ ...place, part: 'entry' }, entry.sealed), panOf(index).reveal());
    assert(notification);
    const told = vault.open({ ...place, part: 'notification:1' }, notification.sealed);
    assert.equal(told, `told of ${index}`);
  }
  return count;
}
