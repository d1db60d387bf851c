import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AccountChangeKind } from '../../src/domain/account-change.ts';
import { CardNumber } from '../../src/domain/pan.ts';
import { unpad } from '../harness/issuer-client.ts';
import { BIN, freshPan, panOf } from '../harness/numbers.ts';
import { operator, startService } from '../harness/service.ts';

const tests = await startService();
const { issuer, merchant, registry } = tests;

const asked = { oldexpmonth: '11', oldexpyear: '2030' };

/** A card that expires as merchants ask by default. */
async function newCard(prefix: string = BIN.mastercard): Promise<string> {
  const cardNumber = freshPan(prefix);
  const organizationNumber = prefix === BIN.numeric ? 200 : 100;
  await issuer.create({ organizationNumber, cardNumber, expirationDate: '2030-11-01' });
  return cardNumber;
}

type ToldKind = Extract<
  AccountChangeKind,
  'closed' | 'contact_cardholder' | 'opted_out' | 'opted_in'
>;

function tell(pan: string, kind: ToldKind): Promise<unknown> {
  const card = { kind: 'number', number: CardNumber.parseNumber(pan) } as const;
  return tests.service.changeAccount(operator, { organization: 100 as never, card, kind });
}

describe('a merchant is told', () => {
  it('V of a card as it has it', async () => {
    const pan = await newCard();
    const answer = await merchant.validate(pan);
    assert.deepEqual(answer, { status: 'V', scheme: 'mastercard', oldpan: pan, ...asked });
  });

  it('the scheme of the number', async () => {
    assert.equal((await merchant.validate(await newCard(BIN.visa))).scheme, 'visa');
    assert.equal((await merchant.validate(await newCard(BIN.numeric))).scheme, 'mastercard');
  });

  it('E and the new expiry when the expiry is another', async () => {
    const pan = await newCard();
    const stale = await merchant.validate(pan, '10', '2030');
    assert.deepEqual(stale, {
      status: 'E',
      scheme: 'mastercard',
      oldpan: pan,
      oldexpmonth: '10',
      oldexpyear: '2030',
      newexpmonth: '11',
      newexpyear: '2030',
    });
    await issuer.act({ cardNumber: pan, cardAction: 7 });
    assert.equal((await merchant.validate(pan)).newexpyear, '2035');
    assert.equal((await merchant.validate(pan, '11', '2035')).status, 'V');
  });

  it('A and the new number and expiry when the number was replaced', async () => {
    const pan = await newCard();
    const { cardNumber, expiryDate } = (await issuer.act({ cardNumber: pan, cardAction: 3 })).data;
    const newpan = unpad((await issuer.numberOf(100, cardNumber)).data.cardNumber);
    const [newexpyear, newexpmonth] = expiryDate.split('-');
    const told = { status: 'A', scheme: 'mastercard', oldpan: pan, ...asked };
    assert.deepEqual(await merchant.validate(pan), { ...told, newpan, newexpmonth, newexpyear });
    assert.equal((await merchant.validate(newpan, newexpmonth, newexpyear)).status, 'V');
  });

  it('C, Q and O without anything new', async () => {
    const kinds = { C: 'closed', Q: 'contact_cardholder', O: 'opted_out' } as const;
    for (const [status, kind] of Object.entries(kinds)) {
      const pan = await newCard(BIN.visa);
      await tell(pan, kind);
      const told = { status, scheme: 'visa', oldpan: pan, ...asked };
      assert.deepEqual(await merchant.validate(pan), told);
      assert.deepEqual((await merchant.validate(pan, '01', '2031')).status, status);
    }
  });

  it('P of a number under a BIN of ours that no card has', async () => {
    const pan = panOf(BIN.mastercard, 4_242);
    const told = { status: 'P', scheme: 'mastercard', oldpan: pan, ...asked };
    assert.deepEqual(await merchant.validate(pan), told);
  });

  it('N of a BIN that is of no organization', async () => {
    assert.equal((await merchant.validate('4111111111111111')).status, 'N');
    assert.equal((await merchant.validate('5555555555554444')).status, 'N');
  });

  it('of cards with a number that fails the check digit, too: the schemes’ own do', async () => {
    assert.equal((await merchant.validate('4327390068355738')).status, 'N');
    const wrong = freshPan().replace(/.$/, (digit) => String((Number(digit) + 1) % 10));
    assert.equal((await merchant.validate(wrong)).status, 'P');
  });

  it('O before C, C before Q, Q before A, A before E', async () => {
    const pan = await newCard();
    await issuer.act({ cardNumber: pan, cardAction: 7 });
    assert.equal((await merchant.validate(pan)).status, 'E');
    const { cardNumber } = (await issuer.act({ cardNumber: pan, cardAction: 3 })).data;
    assert.equal((await merchant.validate(pan)).status, 'A');
    const newest = unpad((await issuer.numberOf(100, cardNumber)).data.cardNumber);
    for (const [kind, status] of [
      ['contact_cardholder', 'Q'],
      ['closed', 'C'],
      ['opted_out', 'O'],
      ['opted_in', 'C'],
    ] as const) {
      await tell(newest, kind);
      for (const number of [pan, newest]) {
        const answer = await merchant.validate(number);
        assert.equal(answer.status, status);
        assert.equal(answer.newpan, undefined, 'who must not use the card is told no new number');
      }
    }
  });

  it('of a card of an organization without PAN Token as of any other', async () => {
    const cardNumber = freshPan(BIN.off);
    const card = { organizationNumber: 300, cardNumber, expirationDate: '2030-11-01' };
    await issuer.create(card);
    assert.equal((await merchant.validate(cardNumber)).status, 'V');
  });

  it('of the number with the newest expiry, where several cards have it', async () => {
    const cardNumber = await newCard();
    await issuer.create({ cardNumber, cardSequence: 2, expirationDate: '2032-05-01' });
    assert.equal((await merchant.validate(cardNumber)).status, 'V');
    assert.equal((await merchant.validate(cardNumber, '05', '2032')).status, 'V');
    assert.equal((await merchant.validate(cardNumber, '01', '2031')).newexpyear, '2032');
  });

  it('nothing of a card that is neither Visa nor Mastercard', async () => {
    for (const pan of ['378282246310005', '6011111111111117', '3530111333300000']) {
      registry.add(pan);
      const { merchantid } = merchant.credentials;
      const reply = await merchant.post(
        JSON.stringify({ pan, expmonth: '11', expyear: '2030', merchantid }),
      );
      const { code } = JSON.parse(reply.text);
      assert.deepEqual([reply.status, code], [400, 'SCHEME_UNSUPPORTED']);
    }
  });
});
