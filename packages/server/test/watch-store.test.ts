import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { AuditRecord } from '../src/domain/audit-record.ts';
import type { OrganizationNumber } from '../src/domain/organization-number.ts';
import { random } from '../src/keys/random.ts';
import type { Store } from '../src/store/engine.ts';
import { idBytes } from '../src/store/ids.ts';
import { makeLedger } from '../src/store/ledger.ts';
import { openStore, type StorePlace } from '../src/store/place.ts';
import { makeWatchStore } from '../src/store/watch-store.ts';
import type { Change } from '../src/usecase/ports.ts';
import type { NotificationView } from '../src/usecase/watch-ports.ts';
import { makeTestDatabase } from './harness/postgres.ts';

/** Of one key, and none to come. */
const indexOf = (digest: Uint8Array, next = digest) => ({ current: digest, next });

const folder = mkdtempSync(join(tmpdir(), 'pantoken-watch-'));
const database = await makeTestDatabase();
const PLACES: readonly StorePlace[] = [
  { engine: 'sqlite', path: join(folder, 'pantoken.db') },
  { engine: 'postgres', url: database.url },
];

/** All of them before the first test: a file whose tests are over at some moment would end, and close what it has open. */
const OPENED: { readonly place: StorePlace; readonly stores: Store[] }[] = [];
for (const place of PLACES) {
  // Two nodes on one database.
  OPENED.push({ place, stores: [await openStore(place), await openStore(place)] });
}

for (const { place, stores } of OPENED) {
  const nodes = stores.map((store) => ({
    ledger: makeLedger(store.committer),
    watch: makeWatchStore(store.reader, store.claimer),
  }));
  after(async () => {
    for (const store of stores) await store.close();
    if (place.engine === 'postgres') await database.close();
    else rmSync(folder, { recursive: true });
  });

  const commit = (changes: readonly Change[], node = 0) => {
    const audit: AuditRecord = {
      ...{ atMs: 1, who: 'updater', action: 'check_watch', outcome: 'done', requestId: 'test' },
    };
    const ledger = nodes[node]?.ledger;
    assert(ledger);
    return ledger.commit({ changes, audit });
  };

  async function watchOne(nextCheckAtMs: number): Promise<string> {
    const panid = randomBytes(16).toString('hex');
    const numberIndex = indexOf(randomBytes(32));
    const sealed = randomBytes(60);
    const entry = { panid, merchantId: 'm', numberIndex, sealed, nextCheckAtMs, createdAtMs: 1 };
    assert.deepEqual(await commit([{ kind: 'add_watch', entry }]), { committed: true });
    return panid;
  }

  const settled = (panid: string, claim: number, nextCheckAtMs: number): Change => ({
    kind: 'settle_check',
    check: { panid, claim, nextCheckAtMs, notificationCount: 0, failureCount: 0 },
  });

  describe(`the watchlist on ${place.engine}`, () => {
    it('is given to one of two nodes that claim at once, each entry once', async () => {
      const added = await Promise.all(Array.from({ length: 300 }, () => watchOne(1_000)));
      const claims = [0, 1, 0, 1, 0, 1, 0, 1].map((node) =>
        nodes[node]?.watch.claimEntries(1_000, 9_000, 50),
      );
      const taken = (await Promise.all(claims)).flatMap((entries) => entries ?? []);
      const rest = (await nodes[0]?.watch.claimEntries(1_000, 9_000, 200)) ?? [];
      const panids = [...taken, ...rest].map(({ panid }) => panid);
      assert.deepEqual(panids.toSorted(), added.toSorted());
      // The leases are over.
      const again = await Promise.all(
        [0, 1].map((node) => nodes[node]?.watch.claimEntries(9_000, 20_000, 200)),
      );
      const late = (await nodes[0]?.watch.claimEntries(9_000, 20_000, 200)) ?? [];
      const all = [...again.flatMap((entries) => entries ?? []), ...late];
      assert.equal(all.length, 300);
      for (const { panid, claim } of all) await commit([settled(panid, claim, 100_000)]);
    });

    it('does not let a node settle what another one has taken over, or what was woken', async () => {
      const panid = await watchOne(2_000);
      const [first] = (await nodes[0]?.watch.claimEntries(2_000, 3_000, 10)) ?? [];
      const [second] = (await nodes[1]?.watch.claimEntries(3_000, 9_000, 10)) ?? [];
      assert.deepEqual([first?.panid, second?.panid], [panid, panid]);
      const lost = { committed: false, conflict: 'claim_lost' };
      const notification = {
        ...{ panid, position: 1, merchantId: 'm', requestId: random.recordId() },
        ...{ sealed: randomBytes(9), createdAtMs: 1 },
      };
      const news: Change = { kind: 'add_notification', notification };
      assert.deepEqual(await commit([settled(panid, first?.claim ?? 0, 5_000), news]), lost);
      assert.deepEqual(await nodes[0]?.watch.listNotifications('pending', 10), []);
      assert.deepEqual(await commit([settled(panid, second?.claim ?? 0, 5_000), news], 1), {
        committed: true,
      });
      const [third] = (await nodes[0]?.watch.claimEntries(5_000, 9_000, 10)) ?? [];
      await commit([{ kind: 'end_watch', panid, organization: undefined }]);
      assert.deepEqual(await commit([settled(panid, third?.claim ?? 0, 6_000)]), lost);
    });

    it('holds a number once for each merchant', async () => {
      const entry = {
        ...{ merchantId: 'm', sealed: randomBytes(9) },
        ...{ nextCheckAtMs: 1e6, createdAtMs: 1 },
      };
      const [one, two, three] = [randomBytes(32), randomBytes(32), randomBytes(32)];
      const add = (panid: string, merchantId = 'm', numberIndex = indexOf(one)) =>
        commit([{ kind: 'add_watch', entry: { ...entry, panid, merchantId, numberIndex } }]);
      const name = randomBytes(8).toString('hex');
      assert.equal((await add(`${name}1`)).committed, true);
      assert.deepEqual(await add(`${name}2`), { committed: false, conflict: 'watch_taken' });
      assert.equal((await add(`${name}3`, 'n')).committed, true);
      const watch = nodes[1]?.watch;
      assert.equal(await watch?.findPanid('m', [one, one]), `${name}1`);
      // While the second index key takes over, with nodes that are a step apart, and then a third.
      const taken = { committed: false, conflict: 'watch_taken' };
      assert.deepEqual(await add(`${name}4`, 'm', indexOf(one, two)), taken);
      await commit([
        {
          ...{ kind: 'reindex_watch', panid: `${name}1`, panIndex: one, nextPanIndex: two },
          customIndex: one,
        },
      ]);
      assert.deepEqual(await add(`${name}5`, 'm', indexOf(one)), taken);
      assert.deepEqual(await add(`${name}6`, 'm', indexOf(two)), taken);
      assert.equal(await watch?.findPanid('m', [two, one]), `${name}1`);
      assert.deepEqual(await watch?.listPanids('m', [two, one], '', 9), [`${name}1`]);
      await commit([{ kind: 'end_watch', panid: `${name}1`, organization: undefined }]);
      assert.deepEqual(await add(`${name}7`, 'm', indexOf(two, three)), { committed: true });
      const ended = { panIndex: two, nextPanIndex: three, customIndex: two };
      await commit([{ kind: 'reindex_watch', panid: `${name}1`, ...ended }]);
      assert.equal(await watch?.findPanid('m', [three, two]), `${name}7`);
      assert.deepEqual(await watch?.listPanids('m', [three, two], '', 9), []);
    });

    it('lists what had no answer at its last check, by pages', async () => {
      const panids = [await watchOne(50), await watchOne(50), await watchOne(50)].toSorted();
      const failing = { notificationCount: 0, failureCount: 2, lastCode: 'UPSTREAM_TIMEOUT' };
      for (const panid of panids) {
        const check = { ...failing, panid, claim: 0, nextCheckAtMs: 1e6 };
        await commit([{ kind: 'settle_check', check }]);
      }
      const [first = '', ...later] = panids;
      const watch = nodes[1]?.watch;
      const [listed] = (await watch?.listFailing('', 1)) ?? [];
      const expected = { failureCount: 2, lastCode: 'UPSTREAM_TIMEOUT', nextCheckAtMs: 1e6 };
      assert.deepEqual(listed, { panid: first, merchantId: 'm', ...expected });
      const rest = (await watch?.listFailing(first, 9)) ?? [];
      assert.deepEqual(
        rest.map(({ panid }) => panid),
        later,
      );
    });

    it('takes the cards of a merchant off its list, and leaves those of others', async () => {
      const numberIndex = indexOf(randomBytes(32));
      const [own, other] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')];
      const entry = { numberIndex, sealed: randomBytes(9), nextCheckAtMs: 1e6, createdAtMs: 1 };
      await commit([
        { kind: 'add_watch', entry: { ...entry, panid: own, merchantId: 'leaving' } },
        { kind: 'add_watch', entry: { ...entry, panid: other, merchantId: 'staying' } },
      ]);
      const watch = nodes[1]?.watch;
      assert.equal(await watch?.isWatching('leaving'), true);
      await commit([{ kind: 'leave_merchant', merchantId: 'leaving', atMs: 7 }]);
      assert.equal(await watch?.isWatching('leaving'), false);
      const { current } = numberIndex;
      assert.deepEqual(await watch?.listWatchers([current, current]), ['staying']);
      const due = (await watch?.claimEntries(7, 8, 10)) ?? [];
      const left = due.find(({ panid }) => panid === own);
      assert.equal(left?.isEnding, true);
    });

    it('feeds a change to each who watches the card, in the unit of the change', async () => {
      const organization = 7 as OrganizationNumber;
      const [lineage, joined] = [random.recordId(), random.recordId()];
      const numberIndex = randomBytes(32);
      const subjects = [idBytes(lineage), idBytes(joined), numberIndex, randomBytes(32)];
      const panids = subjects.map(() => randomBytes(16).toString('hex'));
      const [direct = '', leading = '', waiting = '', stranger = ''] = panids;
      const watching = subjects.map((subject, index): Change => {
        return { kind: 'watch_card', organization, subject, panid: panids[index] ?? '' };
      });
      await commit([...watching, ...watching]);
      const feed = (position: number, dueAtMs: number): Change => ({
        kind: 'feed_change',
        change: { organization, lineage, position, dueAtMs },
        lineages: [lineage, joined],
        numberIndex,
      });
      assert.deepEqual(await commit([feed(2, 70), feed(1, 70)]), { committed: true });
      assert.deepEqual(await commit([feed(3, 60), ...watching.slice(0, 1)]), { committed: true });
      const watch = nodes[1]?.watch;
      const positions = async (panid: string) =>
        (await watch?.listFeed(organization, panid))?.map(({ position }) => position);
      assert.deepEqual(await positions(direct), [3, 1, 2]);
      assert.deepEqual(await positions(leading), [3, 1, 2]);
      assert.deepEqual(await positions(waiting), [3, 1, 2]);
      assert.deepEqual(await positions(stranger), []);
      const due = (await watch?.listDueFeed(65, 100)) ?? [];
      assert.deepEqual(
        due.map(({ panid }) => panid).toSorted(),
        [direct, leading, waiting].toSorted(),
      );
      const [fed] = due.filter(({ panid }) => panid === direct);
      assert(fed);
      await commit([{ kind: 'wake_entry', panid: direct, fed: [fed], atMs: 65 }]);
      assert.equal((await watch?.listDueFeed(65, 100))?.length, 2);
      assert.deepEqual(await positions(direct), [3, 1, 2]);
      await commit([{ kind: 'drop_fed', fed }]);
      assert.deepEqual(await positions(direct), [1, 2]);
      await commit([{ kind: 'end_watch', panid: leading, organization }]);
      await commit([feed(4, 80)]);
      assert.deepEqual([await positions(leading), await positions(direct)], [[], [1, 2, 4]]);
    });

    it('feeds nothing where the change is refused', async () => {
      const organization = 8 as OrganizationNumber;
      const [lineage, panid] = [random.recordId(), randomBytes(16).toString('hex')];
      await commit([{ kind: 'watch_card', organization, subject: idBytes(lineage), panid }]);
      const change = {
        ...{ organization, lineage, position: 1, kind: 'closed' as const, numberId: lineage },
        ...{ effectiveAtMs: 5, recordedAtMs: 5 },
      };
      const told = { organization, lineage, position: 1, dueAtMs: 5 };
      const unit: Change[] = [
        { kind: 'add_account_change', change },
        { kind: 'feed_change', change: told, lineages: [lineage], numberIndex: randomBytes(32) },
      ];
      assert.deepEqual(await commit(unit), { committed: true });
      const again = unit.map(
        (each): Change =>
          each.kind === 'feed_change' ? { ...each, change: { ...told, dueAtMs: 6 } } : each,
      );
      assert.deepEqual(await commit(again), { committed: false, conflict: 'change_taken' });
      assert.equal((await nodes[0]?.watch.listFeed(organization, panid))?.length, 1);
    });

    it('lists by pages, so that each is in one of them and none in two', async () => {
      const customIndex = randomBytes(32);
      const panids = Array.from({ length: 7 }, () => randomBytes(16).toString('hex')).sort();
      for (const [index, panid] of panids.entries()) {
        const numberIndex = indexOf(randomBytes(32));
        const entry = { panid, merchantId: 'm', numberIndex, customIndex };
        const times = { nextCheckAtMs: 1e6, createdAtMs: 100 - index };
        // Three at the same moment: their order is by panid and position then.
        const createdAtMs = index < 3 ? 1_000 : 1_000 + index;
        const requestId = random.recordId();
        const told = { panid, position: 1, merchantId: 'm', requestId, createdAtMs };
        await commit([
          { kind: 'add_watch', entry: { ...entry, ...times, sealed: randomBytes(9) } },
          { kind: 'add_notification', notification: { ...told, sealed: randomBytes(9) } },
        ]);
      }
      const watch = nodes[1]?.watch;
      assert(watch);
      const listed: string[] = [];
      for (let page: readonly string[] = ['']; page.length > 0; listed.push(...page)) {
        page = await watch.listPanids('m', [customIndex, customIndex], listed.at(-1) ?? '', 3);
        assert(page.length <= 3);
      }
      assert.deepEqual(listed, panids);
      assert.deepEqual(await watch.listPanids('n', [customIndex, customIndex], '', 3), []);

      const told: NotificationView[] = [];
      for (let page: readonly NotificationView[] = []; ; told.push(...page)) {
        page = await watch.listNotifications('pending', 2, told.at(-1));
        if (page.length === 0) break;
      }
      const ours = told.filter(({ panid }) => panids.includes(panid)).map(({ panid }) => panid);
      const [one = '', two = '', three = '', ...later] = panids;
      assert.deepEqual(ours, [...later.toReversed(), three, two, one]);
      for (const panid of panids)
        await commit([{ kind: 'end_watch', panid, organization: undefined }]);
    });

    it('gives out the notifications of a card one after the other', async () => {
      const panid = randomBytes(16).toString('hex');
      const add = (position: number): Change => ({
        kind: 'add_notification',
        notification: {
          ...{ panid, position, merchantId: 'm', requestId: random.recordId() },
          ...{ sealed: randomBytes(9), createdAtMs: position },
        },
      });
      await commit([add(1), add(2)]);
      const claim = async () =>
        (await nodes[0]?.watch.claimNotifications(10, 20, 10))?.filter((n) => n.panid === panid);
      const [first, ...others] = (await claim()) ?? [];
      assert.deepEqual([first?.position, others], [1, []]);
      assert.deepEqual(await claim(), []);
      const delivery = {
        ...{ panid, position: 1, claim: first?.claim ?? 0, state: 'delivered' as const },
        ...{ attemptCount: 1, nextAttemptAtMs: 0, lastOutcome: 'HTTP 200', settledAtMs: 11 },
      };
      await commit([{ kind: 'settle_delivery', delivery }]);
      const [second] = (await claim()) ?? [];
      assert.equal(second?.position, 2);
      // What was delivered says nothing of the card any more; what was given up can be sent again.
      const failed = { ...delivery, position: 2, claim: second?.claim ?? 0 };
      await commit([{ kind: 'settle_delivery', delivery: { ...failed, state: 'failed' } }]);
      const sizes = async () => {
        const rows = await stores[1]?.reader.read('listSealedNotifications', [panid]);
        return rows?.map(({ sealed }) => (sealed as Uint8Array).length);
      };
      assert.deepEqual(await sizes(), [0, 9]);
      await commit([{ kind: 'end_watch', panid, organization: undefined }]);
      assert.deepEqual(await sizes(), [0]);
    });
  });
}
