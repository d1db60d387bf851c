import assert, { deepEqual, equal, match } from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ORGANIZATIONS } from '../src/cli/sandbox-plan.ts';
import { DEFAULT_LIMITS } from '../src/domain/budget.ts';
import type { Right } from '../src/domain/caller.ts';
import type { OrganizationNumber } from '../src/domain/organization-number.ts';
import type { Service } from '../src/service.ts';
import { verifyAudit } from '../src/usecase/verify-audit.ts';
import { unpad } from './harness/issuer-client.ts';
import { panOf } from './harness/numbers.ts';
import { startPostgresNodes } from './harness/postgres-nodes.ts';
import { operator } from './harness/service.ts';

/*
 * What holds for all nodes of one PostgreSQL together, shown with two of them.
 */

const book = { hour: 40, day: 40 };
const nodes = await startPostgresNodes({ budgetLimits: { ...DEFAULT_LIMITS, book } });
const { database, first: one, addCaller, logText } = nodes;
let two = await nodes.open('two');

/** Numbers of one book: the same first six and last four digits. */
function bookOf(count: number): readonly string[] {
  const pans: string[] = [];
  for (let middle = 0; pans.length < count; middle++) {
    const pan = panOf(`540208${String(middle).padStart(6, '0')}`, 71);
    if (pan.endsWith('0710')) pans.push(pan);
  }
  return pans;
}

it('a budget is one for both nodes', async () => {
  const { of } = await addCaller();
  const clients = [of(one), of(two)];
  const same = bookOf(60);
  let answered = 0;
  for (const [index, pan] of same.entries()) {
    const reply = await clients[index % 2]?.tokenOf(100, pan);
    if (reply?.status !== 429) answered++;
    // What one node counted the other one knows when it has looked: here it looks at once.
    await Promise.all([one, two].map(({ audit }) => audit.budgets.refresh()));
  }
  equal(answered, book.day);
  match(logText(), /"alarm":"budget_exhausted"/);
  // Without looking in between, each node could let one allowance through, and no more.
  const other = await addCaller();
  const replies = await Promise.all(
    same.flatMap((pan, index) => [other.of([one, two][index % 2] ?? one).tokenOf(100, pan)]),
  );
  assert(replies.filter(({ status }) => status !== 429).length <= 2 * book.day);
});

it('a caller disabled on one node is out on the other when it has looked', async (t) => {
  const { name, of } = await addCaller();
  const client = of(two);
  equal((await client.create()).status, 200);
  await one.disableCaller(operator, name);
  const startedAt = performance.now();
  for (let tries = 0; (await client.create()).code !== 'CREDENTIALS_INVALID'; tries++) {
    assert(tries < 400, 'it is still let in');
    await sleep(25);
  }
  t.diagnostic(`out on the other node after ${Math.round(performance.now() - startedAt)} ms`);
});

it('of two nodes that register BIN ranges that overlap one is refused', async () => {
  const formats = ORGANIZATIONS[0]?.organization.formats ?? [];
  const add = ({ register }: Service, number: number, prefix: string) =>
    register.addOrganization(
      operator,
      { number: number as OrganizationNumber, name: `n${number}`, panTokenOn: true, formats },
      [{ prefix, logo: 1, panLength: 16 }],
    );
  for (let round = 0; round < 5; round++) {
    const prefix = String(411_110 + round);
    const results = await Promise.allSettled([
      add(one, 500 + 2 * round, prefix),
      add(two, 501 + 2 * round, `${prefix}12`),
    ]);
    const codes = results.map((each) => (each.status === 'rejected' ? each.reason.code : 'done'));
    deepEqual(codes.toSorted(), ['BIN_RANGE_TAKEN', 'done']);
  }
});

it('bait is bait on every node', async () => {
  const rights = new Set<Right>(['issue', 'inquire-token', 'inquire-number', 'manage']);
  const { of } = await addCaller({ rights });
  const client = of(one);
  const token = unpad((await client.create()).data.cardNumber);
  const card = { kind: 'token', token } as const;
  const organization = 100 as OrganizationNumber;
  await one.setBait.byOperator(operator, { organization, card, isBait: true });
  equal((await of(two).numberOf(100, token)).status, 200);
  await new Promise(setImmediate);
  match(logText(), /"alarm":"bait_asked","facts":\{"who":"caller:[0-9a-f]{32}"/);
});

it('a database restored from an older backup changes nothing until an operator accepts it', async () => {
  const { of } = await addCaller();
  equal((await of(two).create()).status, 200);
  await nodes.close(two);
  // What a restore does to the log: what was written behind the backup is not there.
  const [last] = await database.query(
    `select b.chain, max(b.position) as position from audit_block b join audit_chain c
       on c.chain = b.chain where c.node = 'two' group by b.chain order by max(c.number) desc limit 1`,
  );
  await database.query(
    `delete from audit_block where chain = '${last?.chain}' and position = ${last?.position}`,
  );
  two = await nodes.open('two');
  match(logText(), /"alarm":"audit_restored"/);
  const client = of(two);
  deepEqual((await client.create()).code, 'RESTORE_UNACCEPTED');
  const port = await two.watch.listen(0, '127.0.0.1');
  const ready = await (await fetch(`http://127.0.0.1:${port}/readyz`)).json();
  deepEqual(ready, { ready: true, missing: [], degraded: ['changes: restore not accepted'] });
  const losses = await two.audit.acceptRestore('alice', 'test');
  equal(losses.length, 1);
  equal((await client.create()).status, 200);
  const { archive, publicKeys, readNotes } = two.audit;
  await Promise.all([one, two].map(({ audit }) => audit.checkpointer.flush()));
  const request = { range: {}, notes: readNotes(), publicKeys: publicKeys() };
  const verified = await verifyAudit(archive, request);
  deepEqual(verified.problems, []);
  equal(verified.acceptedLosses.length, 1);
});
