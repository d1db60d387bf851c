import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unpad } from './harness/issuer-client.ts';
import { freshPan } from './harness/numbers.ts';
import { editByHand, startService } from './harness/service.ts';

const tests = await startService();
const { issuer, channel, merchant } = tests;
const pan = freshPan();
const token = (await issuer.create({ cardNumber: pan })).data.cardNumber;

/** What a full disk is to a statement: it fails, and not for any reason of its own. */
const fill = (table: string) =>
  editByHand(tests.home, (database) =>
    database.exec(`create trigger full_disk before insert on ${table}
      begin select raise(abort, 'database or disk is full'); end`),
  );
const makeRoom = () =>
  editByHand(tests.home, (database) => database.exec('drop trigger full_disk'));

describe('while no audit record can be written', () => {
  it('no number, token or letter leaves, and no card is made', async () => {
    const { merchantid } = merchant.credentials;
    const countBefore = tests.rows('select count(*) as n from card');
    fill('audit_block');
    try {
      for (const reply of [
        await issuer.numberOf(100, token),
        await issuer.tokenOf(100, pan),
        await issuer.create(),
        await issuer.act({ cardNumber: token, cardAction: 3 }),
        await issuer.act({ cardNumber: token, cardAction: 7 }),
        await channel.numberOf(100, token),
        await issuer.numberOf(100, 'x'),
      ]) {
        assert.deepEqual([reply.status, reply.code], [503, 'STORE_UNAVAILABLE']);
        assert(!reply.text.includes(pan) && !reply.text.includes(unpad(token)));
      }
      const body = JSON.stringify({ pan, expmonth: '11', expyear: '2030', merchantid });
      const reply = await merchant.post(body);
      assert.deepEqual([reply.status, JSON.parse(reply.text).code], [503, 'STORE_UNAVAILABLE']);
    } finally {
      makeRoom();
    }
    assert.deepEqual(tests.rows('select count(*) as n from card'), countBefore);
    assert.match(tests.logText(), /disk is full/);
  });

  it('the service waits for better times: all works again when there is room', async () => {
    assert.equal((await issuer.numberOf(100, token)).data.cardNumber, `000${pan}`);
    assert.equal((await issuer.create()).status, 200);
  });
});

describe('while no card can be written', () => {
  it('creating is answered 503, and inquiries go on', async () => {
    fill('card');
    try {
      const reply = await issuer.create();
      assert.deepEqual([reply.status, reply.code], [503, 'STORE_UNAVAILABLE']);
      assert.equal((await issuer.numberOf(100, token)).status, 200);
    } finally {
      makeRoom();
    }
    const [orphans] = tests.rows(`select count(*) as n from card_number left join card
      on card.number_id = card_number.number_id where card.number_id is null`);
    assert.equal(orphans?.n, 0, 'no number is kept without its card');
  });
});

describe('a database that another process holds', () => {
  it('is waited for, and then written', async () => {
    let reply: Promise<{ status: number }> | undefined;
    editByHand(tests.home, (database) => {
      database.exec('begin immediate');
      reply = issuer.create();
      database.exec('commit');
    });
    assert.equal((await reply)?.status, 200);
  });
});
