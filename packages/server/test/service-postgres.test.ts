import assert from 'node:assert/strict';
import { it } from 'node:test';
import { unpad } from './harness/issuer-client.ts';
import { freshPan } from './harness/numbers.ts';
import { startPostgresNodes } from './harness/postgres-nodes.ts';

const nodes = await startPostgresNodes();
const { database } = nodes;
const caller = await nodes.addCaller();
const one = caller.of(nodes.first);
const two = caller.of(await nodes.open('two'));

it('the main job works on PostgreSQL, on two nodes of one database', async () => {
  for (const organizationNumber of [100, 200, 400]) {
    const { cardNumber } = (await one.create({ organizationNumber })).data;
    const pan = unpad((await two.numberOf(organizationNumber, cardNumber)).data.cardNumber);
    assert.equal((await two.tokenOf(organizationNumber, pan)).data.panToken, cardNumber);
    const reissued = await two.act({ organizationNumber, cardNumber, cardAction: 3 });
    assert.equal(reissued.status, 200, reissued.text);
    const again = await one.act({ organizationNumber, cardNumber, cardAction: 7 });
    assert.equal(again.code, 'CARD_REPLACED');
  }
});

it('two nodes creating the same card at one moment: one card, one token', async () => {
  for (let round = 0; round < 10; round++) {
    const cardNumber = freshPan();
    const replies = await Promise.all(
      [one, two, one, two].map((client) => client.create({ cardNumber })),
    );
    const made = replies.filter(({ status }) => status === 200);
    assert.equal(made.length, 1);
    assert.ok(replies.every(({ status, code }) => status === 200 || code === 'CARD_EXISTS'));
    const [row] = await database.query(
      `select count(*) as n, count(distinct token) as tokens from card_number
       where token = '${unpad(made[0]?.data.cardNumber ?? '')}'`,
    );
    assert.deepEqual(row, { n: '1', tokens: '1' });
  }
});
