import assert from 'node:assert/strict';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import { Pan } from '../../src/domain/pan.ts';
import { makeUpdaterVault } from '../../src/keys/updater-vault.ts';
import type { OpenedHome } from '../../src/opened-home.ts';
import { makeServiceSealStore } from '../../src/store/key-store.ts';
import { makeWatchStore } from '../../src/store/watch-store.ts';
import type { Change } from '../../src/usecase/ports.ts';
import type { WatchEntry } from '../../src/usecase/watch-ports.ts';
import { watchCard } from '../../src/usecase/watch-subject.ts';
import type { UpdaterVault } from '../../src/usecase/watch-vault.ts';

const MERCHANT = 'merchant-of-watches';
const TOLD = 'C  ';
/** Of their BIN; none of them is on its record yet. */
const ORGANIZATION = 100 as OrganizationNumber;

const panOf = (index: number) => Pan.withCheckDigit(`540208${String(index).padStart(9, '9')}`);

const panidOf = (index: number) => index.toString(16).padStart(32, '0');

const referenceOf = (index: number) => `reference ${index}`;

/** Puts so many cards on a watchlist, each with a notification that waits, and one that has ended. */
export async function addWatches(opened: OpenedHome, count: number): Promise<void> {
  const vault = makeUpdaterVault(opened.serviceKeys);
  for (let index = 1; index <= count + 1; index++) {
    const panid = panidOf(index);
    const place = { panid, merchantId: MERCHANT };
    const atMs = Date.now();
    const requestId = opened.random.recordId();
    const told = vault.seal({ ...place, part: 'told' }, TOLD);
    const outcome = await commit(opened, [
      { kind: 'add_watch', entry: entryOf(vault, panid, index) },
      ...watchCard(ORGANIZATION, panid, undefined, indexOf(opened, index)),
      {
        kind: 'settle_check',
        check: {
          panid,
          claim: 0,
          organization: ORGANIZATION,
          nextCheckAtMs: atMs,
          notificationCount: 1,
          failureCount: 0,
          told,
        },
      },
      {
        kind: 'add_notification',
        notification: {
          ...{ ...place, position: 1, requestId, createdAtMs: atMs },
          sealed: vault.seal({ ...place, part: 'notification:1' }, `told of ${index}`),
        },
      },
      ...(index > count ? [{ kind: 'end_watch', panid, organization: ORGANIZATION } as const] : []),
    ]);
    assert(outcome.committed);
  }
}

/**
 * Every one of them opens to its own number and texts, is found by them, and cannot be watched by the same
 * merchant a second time.
 *
 * @returns how many there are.
 */
export async function demandWatches(opened: OpenedHome): Promise<number> {
  const vault = makeUpdaterVault(opened.serviceKeys);
  const all = await makeServiceSealStore(opened.reader).listSealedWatches('', 10_000);
  let count = 0;
  for (const { panid, merchantId, parts } of all) {
    const index = Number.parseInt(panid, 16);
    const [entry] = parts;
    assert(entry);
    if (entry.sealed.length === 0) continue; // Ended.
    count++;
    const texts = parts.map(({ part, sealed }) => vault.open({ panid, merchantId, part }, sealed));
    const [card = '', ...told] = texts;
    assert.equal(JSON.parse(card).pan, panOf(index).reveal());
    assert.deepEqual(told, [`told of ${index}`, TOLD]);
    await demandFound(opened, vault, panid, index);
  }
  return count;
}

async function demandFound(
  opened: OpenedHome,
  vault: UpdaterVault,
  panid: string,
  index: number,
): Promise<void> {
  const watch = makeWatchStore(opened.reader, opened.store.claimer);
  const { sought } = vault.numberIndex(panOf(index));
  assert.equal(await watch.findPanid(MERCHANT, sought), panid);
  assert.deepEqual(await watch.listWatchers(sought), [MERCHANT]);
  const byReference = vault.customIndex(referenceOf(index)).sought;
  assert.deepEqual(await watch.listPanids(MERCHANT, byReference, '', 10), [panid]);
  await demandFed(opened, panid, index);
  const again = entryOf(vault, panidOf(1_000 + index), index);
  const outcome = await commit(opened, [{ kind: 'add_watch', entry: again }]);
  assert.deepEqual(outcome, { committed: false, conflict: 'watch_taken' });
}

/** A change of its number, should that come on record now, is one for who watches it. */
async function demandFed(opened: OpenedHome, panid: string, index: number): Promise<void> {
  const lineage = opened.random.recordId();
  const change = { organization: ORGANIZATION, lineage, position: 1, dueAtMs: Date.now() };
  const { current: numberIndex } = indexOf(opened, index);
  await commit(opened, [{ kind: 'feed_change', change, lineages: [lineage], numberIndex }]);
  const watch = makeWatchStore(opened.reader, opened.store.claimer);
  const fed = await watch.listFeed(ORGANIZATION, panid);
  assert.ok(fed.some((each) => each.lineage === lineage));
}

const indexOf = ({ keyring }: OpenedHome, index: number) =>
  keyring.panIndex(ORGANIZATION, panOf(index));

function entryOf(vault: UpdaterVault, panid: string, index: number): WatchEntry {
  const place = { panid, merchantId: MERCHANT };
  const card = {
    ...{ pan: panOf(index).reveal(), expiry: 203_011, by: 'number' },
    customReference: referenceOf(index),
  };
  return {
    ...place,
    numberIndex: vault.numberIndex(panOf(index)),
    customIndex: vault.customIndex(referenceOf(index)).current,
    sealed: vault.seal({ ...place, part: 'entry' }, JSON.stringify(card)),
    organization: ORGANIZATION,
    nextCheckAtMs: Date.now(),
    createdAtMs: Date.now(),
  };
}

function commit(opened: OpenedHome, changes: readonly Change[]) {
  const requestId = opened.random.recordId();
  const audit = { atMs: Date.now(), who: 'updater', outcome: 'done', requestId } as const;
  return opened.audit.ledger.commit({ changes, audit: { ...audit, action: 'add_watch' } });
}
