import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freshPan } from './harness/numbers.ts';
import { startService } from './harness/service.ts';

const { issuer, rows } = await startService();

const card = async (fields = {}) => {
  const pan = freshPan();
  const created = await issuer.create({ cardNumber: pan, expirationDate: '2030-01-31', ...fields });
  assert.equal(created.status, 200);
  return { pan, token: created.data.cardNumber };
};

const act = (cardNumber: string, cardAction: number) =>
  issuer.act({ organizationNumber: 100, cardNumber, cardAction, randomPin: 0 });

describe('two changes of one card at the same moment', () => {
  it('leave the expiry of an acknowledged renewal as it was acknowledged', async () => {
    for (let round = 0; round < 10; round++) {
      const { token } = await card();
      const [renewal, damage] = await Promise.all([act(token, 7), act(token, 2)]);
      assert.deepEqual([renewal.status, damage.status], [200, 200]);
      assert.equal(renewal.data.expiryDate, '2035-01-31');
      assert.equal((await act(token, 2)).data.expiryDate, '2035-01-31');
    }
  });

  it('give each plastic a chip sequence of its own', async () => {
    const { token } = await card();
    const replies = await Promise.all([act(token, 2), act(token, 2), act(token, 2)]);
    assert.deepEqual(
      replies.map(({ status }) => status),
      [200, 200, 200],
    );
    const kept = rows('select max(chip_sequence) as last from card where organization = 100');
    assert.equal(kept[0]?.last, 4);
  });

  it('take a card that is added along to the new number, or refuse it', async () => {
    for (let round = 0; round < 10; round++) {
      const { pan, token } = await card();
      const [replaced, added] = await Promise.all([
        act(token, 3),
        issuer.create({ cardNumber: pan, cardSequence: 2 }),
      ]);
      assert.equal(replaced.status, 200);
      const moved = await issuer.numberOf(100, replaced.data.cardNumber, { cardSequence: 2 });
      if (added.status === 200) assert.equal(moved.status, 200);
      else assert.deepEqual([added.code, moved.code], ['CARD_REPLACED', 'VPL5SCI09S']);
    }
  });
});

describe('an expiry', () => {
  it('stays within twenty years, however often a card is renewed', async () => {
    assert.equal((await issuer.create({ expirationDate: '9999-12-31' })).code, 'EXPIRY_INVALID');
    const { token } = await card();
    const codes = [];
    for (let count = 0; count < 5; count++) codes.push((await act(token, 7)).code);
    assert.equal(codes[0], undefined);
    assert.equal(codes.at(-1), 'EXPIRY_INVALID');
  });
});
