import assert from 'node:assert/strict';
import { it } from 'node:test';
import { READS } from '../src/store/statements.ts';
import { LIST_LIMITS } from '../src/store/whole-lists.ts';
import { editByHand, startService } from './harness/service.ts';

it('a list that is as long as its limit is refused, and never cut', async () => {
  const test = await startService();
  const { directory } = test.service;
  const limit = LIST_LIMITS.get('listMerchants') ?? 0;
  const add = (from: number, through: number) =>
    editByHand(test.home, (database) =>
      database.exec(`
        insert into merchant (merchant, name, public_key, algorithm, api_key_digest)
        with recursive n (n) as (select ${from} union all select n + 1 from n where n < ${through})
        select printf('%032x', n), 'm' || n, 'x', 'rsa-v1_5', printf('%064x', n) from n`),
    );
  add(1, limit - 2); // One is there.
  await nextTurn();
  await directory.refresh();
  assert.equal(directory.listMerchants().length, limit - 1);
  add(limit, limit);
  await nextTurn();
  await assert.rejects(directory.refresh(), /listMerchants has 100000 rows or more/);
  editByHand(test.home, (database) =>
    database.exec(`delete from merchant where name like 'm%00%'`),
  );
  await nextTurn();
  await directory.refresh();
});

/** Reads of one turn of the event loop see one moment. */
const nextTurn = () => new Promise(setImmediate);

it('every list has a limit that somebody has thought of', () => {
  for (const [name, sql] of Object.entries(READS)) {
    const isList = /^list/.test(name) && !/ limit \$\d+\s*$/.test(sql);
    if (!isList || LIST_LIMITS.has(name as keyof typeof READS)) continue;
    assert.match(
      name,
      /^list(?:Charges|AuditChains|AuditBlocks|Bait|Organizations|Cards|Terms|Changes|NumbersAfter)/,
      `${name} has no limit, or pages and does not say so`,
    );
  }
});
