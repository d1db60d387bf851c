import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { luhnResidue } from '@pantoken/pan-token';
import { unpad } from './harness/issuer-client.ts';
import { BIN, freshPan } from './harness/numbers.ts';
import { operator, startService } from './harness/service.ts';

const tests = await startService();
const { issuer, rows } = tests;

/** A card and how its issuer names it. */
async function newCard(more: object = {}): Promise<{ pan: string; token: string }> {
  const pan = freshPan();
  const { cardNumber } = (await issuer.create({ cardNumber: pan, ...more })).data;
  return { pan, token: cardNumber };
}

const clearOf = async (token: string) => unpad((await issuer.numberOf(100, token)).data.cardNumber);

describe('a card that was lost', () => {
  for (const cardAction of [3, 6]) {
    it(`gets a new number of its BIN, a new token and a new expiry by action ${cardAction}`, async () => {
      const { pan, token } = await newCard({ expirationDate: '2027-02-10', postToAccount: '9' });
      const { data, status } = await issuer.act({ cardNumber: token, cardAction });
      assert.equal(status, 200);
      assert.notEqual(data.cardNumber, token);
      const newPan = await clearOf(data.cardNumber);
      assert.notEqual(newPan, pan);
      assert.equal(newPan.slice(0, 6), BIN.mastercard);
      assert.equal(luhnResidue(newPan), 0);
      assert.equal(data.expiryDate.slice(0, 4), String(new Date().getUTCFullYear() + 5));
      const inquiry = (await issuer.tokenOf(100, newPan)).data;
      assert.equal(inquiry.accountNumber, '0000000000000000009');
    });
  }

  it('can be named by its number as well as by its token, padded or not', async () => {
    for (const nameOf of [
      ({ pan }: { pan: string }) => pan,
      ({ pan }: { pan: string }) => `000${pan}`,
      ({ token }: { token: string }) => token,
      ({ token }: { token: string }) => unpad(token),
    ]) {
      const cardNumber = nameOf(await newCard());
      assert.equal((await issuer.act({ cardNumber, cardAction: 3 })).status, 200);
    }
  });

  it('stays on record: its old number and token are found, and take no new plastic', async () => {
    const { pan, token } = await newCard();
    await issuer.act({ cardNumber: token, cardAction: 3 });
    assert.equal((await issuer.tokenOf(100, pan)).data.panToken, token);
    assert.equal(await clearOf(token), pan);
    for (const cardAction of [2, 3, 6, 7]) {
      assert.equal((await issuer.act({ cardNumber: token, cardAction })).code, 'CARD_REPLACED');
    }
    const again = await issuer.create({ cardNumber: pan, cardSequence: 2 });
    assert.equal(again.code, 'CARD_REPLACED');
  });

  it('takes all cards with its number along', async () => {
    const { pan, token } = await newCard({ embossedName1: 'FIRST' });
    const second = { cardNumber: pan, cardSequence: 2, embossedName1: 'SECOND' };
    await issuer.create({ ...second, postToAccount: '2' });
    const { data } = await issuer.act({ cardNumber: token, cardAction: 3, cardSequence: 2 });
    assert.deepEqual([data.cardSequence, data.embosserName1], [2, 'SECOND']);
    const newPan = await clearOf(data.cardNumber);
    for (const cardSequence of [1, 2]) {
      const { accountNumber } = (await issuer.tokenOf(100, newPan, { cardSequence })).data;
      assert.equal(accountNumber, `000000000000000000${cardSequence}`);
    }
  });

  it('can be lost many times, and its lineage leads to the newest number', async () => {
    const { pan, token } = await newCard();
    const tokens = new Set([token]);
    let newest = token;
    for (let count = 0; count < 5; count++) {
      newest = (await issuer.act({ cardNumber: newest, cardAction: 3 })).data.cardNumber;
      tokens.add(newest);
    }
    assert.equal(tokens.size, 6);
    const answer = await tests.merchant.validate(pan);
    assert.equal(answer.status, 'A');
    assert.equal(answer.newpan, await clearOf(newest));
  });

  it('is replaced once when many ask at the same time', async () => {
    const { token } = await newCard();
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => issuer.act({ cardNumber: token, cardAction: 3 })),
    );
    const outcomes = replies.map(({ code }) => code ?? 'replaced').sort();
    assert.deepEqual(outcomes, [...Array(7).fill('CARD_REPLACED'), 'replaced']);
    const winner = replies.find(({ status }) => status === 200)?.data.cardNumber ?? '';
    const replacements = rows(
      `select count(*) as n from account_change where kind = 'replaced' and lineage =
        (select lineage from card_number where token = '${unpad(winner)}')`,
    );
    assert.equal(replacements[0]?.n, 1);
  });

  it('leaves no card behind on the old number when one is added at the same time', async () => {
    for (let round = 0; round < 10; round++) {
      const { pan, token } = await newCard();
      const [added, replaced] = await Promise.all([
        issuer.create({ cardNumber: pan, cardSequence: 2 }),
        issuer.act({ cardNumber: token, cardAction: 3 }),
      ]);
      if (replaced.status !== 200) continue;
      const newPan = await clearOf(replaced.data.cardNumber);
      const moved = await issuer.tokenOf(100, newPan, { cardSequence: 2 });
      assert.equal(added.status, moved.status, 'the added card went over, or was refused');
    }
  });

  it('of an organization without PAN Token shows the masked number', async () => {
    const pan = freshPan(BIN.off);
    await issuer.create({ organizationNumber: 300, cardNumber: pan });
    const action = { organizationNumber: 300, cardNumber: pan, cardAction: 3 };
    assert.match((await issuer.act(action)).data.cardNumber, /^453201xxxxxx[0-9]{4}$/);
  });
});

describe('a card that expires', () => {
  it('keeps number and token, and is good for five years more', async () => {
    const { pan, token } = await newCard({ expirationDate: '2028-02-10' });
    const { data } = await issuer.act({ cardNumber: token, cardAction: 7 });
    assert.equal(data.cardNumber, token);
    assert.equal(data.expiryDate, '2033-02-28');
    assert.equal(await clearOf(token), pan);
    const kept = rows(
      `select chip_sequence as chip, expiry from card where number_id =
        (select number_id from card_number where token = '${unpad(token)}')`,
    );
    assert.deepEqual(
      kept.map((row) => ({ ...row })),
      [{ chip: 2, expiry: 202802 }], // As issued; what it is now is in the log of its lineage.
    );
  });

  it('is renewed as often as it is asked for, also at the same time', async () => {
    const { token } = await newCard({ expirationDate: '2028-02-10' });
    const replies = await Promise.all(
      Array.from({ length: 3 }, () => issuer.act({ cardNumber: token, cardAction: 7 })),
    );
    const dates = replies.map(({ data }) => data.expiryDate).sort();
    assert.deepEqual(dates, ['2033-02-28', '2038-02-28', '2043-02-28']);
  });

  it('does not get its old expiry back from a plastic that is made at the same time', async () => {
    for (let round = 0; round < 10; round++) {
      const { token, pan } = await newCard({ expirationDate: '2028-02-10' });
      await Promise.all([
        issuer.act({ cardNumber: token, cardAction: 7 }),
        issuer.act({ cardNumber: token, cardAction: 2 }),
      ]);
      assert.equal((await tests.merchant.validate(pan, '02', '2033')).status, 'V');
    }
  });
});

describe('a damaged card', () => {
  it('gets one more plastic and nothing else', async () => {
    const { token } = await newCard({ expirationDate: '2028-02-10' });
    const { data } = await issuer.act({ cardNumber: token, cardAction: 2 });
    assert.equal(data.cardNumber, token);
    assert.equal(data.expiryDate, '2028-02-29');
    const kept = rows(
      `select chip_sequence as chip, expiry from card where number_id =
        (select number_id from card_number where token = '${unpad(token)}')`,
    );
    assert.deepEqual(
      kept.map((row) => ({ ...row })),
      [{ chip: 2, expiry: 202802 }],
    );
  });
});

describe('a closed card', () => {
  it('takes no new plastic, number or card', async () => {
    const { pan, token } = await newCard();
    const card = { kind: 'token', token: unpad(token) } as const;
    const closing = { organization: 100 as never, card, kind: 'closed' } as const;
    await tests.service.changeAccount(operator, closing);
    for (const cardAction of [2, 3, 6, 7]) {
      assert.equal((await issuer.act({ cardNumber: token, cardAction })).code, 'CARD_CLOSED');
    }
    assert.equal((await issuer.create({ cardNumber: pan, cardSequence: 2 })).code, 'CARD_CLOSED');
    assert.equal(await clearOf(token), pan);
  });
});
