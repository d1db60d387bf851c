import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it } from 'node:test';
import { TRIES_MAX } from '../src/usecase/finish-watch.ts';
import { startWatchingService } from './harness/watching-service.ts';

const watching = await startWatchingService();
const { server, add, settle, tell, watchNew, lettersOf } = watching;
await watching.notify();

/** As somebody with the file could, while the service runs. */
function change(sql: string): void {
  const file = new DatabaseSync(join(server.home, 'pantoken.db'), { timeout: 5_000 });
  file.exec(sql);
  file.close();
}

/** Twice: back again. */
const swap = (one: string, other: string) =>
  change(`
    create temporary table pair as select panid, sealed from watch_entry
      where panid in ('${one}', '${other}');
    update watch_entry set sealed = (select sealed from pair where panid <> watch_entry.panid)
      where panid in ('${one}', '${other}')`);

const alarmCount = () => server.logText().split('"alarm":"record_damaged"').length - 1;
const refusedOf = (panid: string, action: string) =>
  server
    .audit()
    .filter((record) => record.panid === panid && record.action === action)
    .map(({ outcome, code }) => [outcome, code]);

it('watched cards that were exchanged stop no other one, raise an alarm, and are told of when they are repaired', async () => {
  const [one, two, three] = [await watchNew(), await watchNew(), await watchNew()];
  swap(one.panid, two.panid);
  for (const { pan } of [one, two, three]) await tell({ kind: 'closed', pan });
  await settle();
  const letters = () => [one, two, three].map(({ panid }) => lettersOf(panid));
  assert.deepEqual(letters(), ['', '', 'C']);
  await settle(); // They are not looked at again and again.
  for (const { panid } of [one, two]) {
    assert.deepEqual(refusedOf(panid, 'check_watch'), [['refused', 'RECORD_DAMAGED']]);
  }
  assert.equal(alarmCount(), 1);
  swap(one.panid, two.panid);
  server.moveClock(16 * 60_000);
  await settle();
  assert.deepEqual(letters(), ['C', 'C', 'C']);
});

it('a watched card that is damaged can be ended, and is forgotten when it does not mend', async () => {
  const { pan, panid } = await watchNew();
  change(`update watch_entry set sealed = x'00', subscribed_at = 1 where panid = '${panid}'`);
  const { merchant, send } = server;
  const path = `/api/cu/${panid}/unsubscribe`;
  assert.equal((await send({ method: 'DELETE', path, headers: merchant.headers() })).status, 200);
  const shown = () => {
    const sql = `select ended, length(sealed) as n from watch_entry where panid = '${panid}'`;
    return { ...server.rows(sql)[0] };
  };
  await settle();
  assert.deepEqual(shown(), { ended: 2, n: 1 }); // A node may lack a key for a moment.
  for (let tries = 1; tries < TRIES_MAX; tries++) {
    server.moveClock(25 * 3_600_000);
    await settle();
  }
  assert.deepEqual(shown(), { ended: 1, n: 0 });
  const again = await add([{ pan, expmonth: '11', expyear: '2030' }]);
  assert.equal(again.pans[0]?.status, '1');
});

it('a notification that is damaged is given up, and raises an alarm', async () => {
  const { pan, panid } = await watchNew();
  await tell({ kind: 'closed', pan });
  const { checkWatchlist } = server.service.updater;
  while ((await checkWatchlist()) > 0);
  const before = alarmCount();
  change(`update notification set sealed = x'00' where panid = '${panid}'`);
  await settle();
  assert.equal(lettersOf(panid), '');
  assert.equal(alarmCount(), before + 1);
  const [failed] = await server.service.updater.listNotifications('failed', 10);
  assert.deepEqual([failed?.panid, failed?.lastOutcome], [panid, 'RECORD_DAMAGED']);
});
