import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FIRSTVISION_CODES } from '../../src/http/firstvision/error.ts';
import { ACTION, unpad } from '../harness/issuer-client.ts';
import { BIN, freshPan, panOf } from '../harness/numbers.ts';
import { GHOST_ORGANIZATION, startService } from '../harness/service.ts';

const { issuer, channel, stranger } = await startService();
const met = new Set<string>();

const pan = freshPan();
const named = { customerNumber: '77', embossedName1: 'ANA', embossedName2: 'LTDA' };
const token = (await issuer.create({ cardNumber: pan, ...named })).data.cardNumber;
const action = { cardNumber: token, cardAction: 7 };

async function demandCode(fields: object, code: string, status = 422): Promise<void> {
  const reply = await issuer.act({ ...action, ...fields });
  assert.deepEqual([reply.status, reply.code], [status, code], JSON.stringify(fields));
  met.add(code);
}

describe('a card action', () => {
  it('answers with what was asked and what the card is now', async () => {
    const { data } = await issuer.act({
      cardNumber: token,
      cardAction: 2,
      numberCardsRequested: 1,
    });
    const { expiryDate, ...rest } = data;
    assert.deepEqual(rest, {
      organizationNumber: 100,
      cardNumber: token,
      cardSequence: 1,
      cardAction: 2,
      numberCardsRequested: 1,
      numberCardsReturned: 0,
      randomPin: 0,
      logo: 1,
      customerNumber: '77',
      embosserName1: 'ANA',
      embosserName2: 'LTDA',
    });
    assert.match(expiryDate, /^20[0-9]{2}-[01][0-9]-(28|29|30|31)$/);
  });

  it('by a caller that is not certified shows tokens, as to everybody', async () => {
    const fresh = (await channel.create()).data.cardNumber;
    const { data } = await channel.act({ cardNumber: fresh, cardAction: 3 });
    assert.match(data.cardNumber, /^000[0-9]{6}[A-Z]/);
  });

  it('takes the documented fields that nothing is kept of', async () => {
    const more = { cardActionReason: 'L', processingType: 1, instantProcessType: null };
    assert.equal((await issuer.act({ ...action, cardAction: 2, ...more })).status, 200);
  });

  it('is refused by SPR01E for what is no organization number', async () => {
    for (const organizationNumber of [999, -1, '100', null]) {
      await demandCode({ organizationNumber }, 'VPL5SPR01E');
    }
  });

  it('is refused by SPR02E for a card number of spaces or zeros', async () => {
    for (const cardNumber of ['', '0', ' '.repeat(19)])
      await demandCode({ cardNumber }, 'VPL5SPR02E');
  });

  it('is refused by SPR03E for what is no card sequence', async () => {
    for (const cardSequence of [-1, '1', 10_000]) await demandCode({ cardSequence }, 'VPL5SPR03E');
  });

  it('is refused by SPR04E for an action that does not exist', async () => {
    for (const cardAction of [8, -1, '3', null, 1.5])
      await demandCode({ cardAction }, 'VPL5SPR04E');
  });

  it('is refused by SPR01S for a card that is not there, whatever it was named by', async () => {
    for (const cardNumber of [panOf(BIN.mastercard, 5), unpad(token).toLowerCase(), 'x', '123']) {
      await demandCode({ cardNumber }, 'VPL5SPR01S');
    }
  });

  it('is refused by SPR02S for an organization of others, or without a record', async () => {
    await demandCode({ organizationNumber: 777 }, 'VPL5SPR02S');
    await demandCode({ organizationNumber: GHOST_ORGANIZATION }, 'VPL5SPR02S');
    assert.equal((await stranger.act(action)).code, 'VPL5SPR02S');
  });

  it('is refused by SPR04S for a sequence that the number has no card with', async () => {
    for (const cardAction of [2, 3, 7]) {
      await demandCode({ cardAction, cardSequence: 5 }, 'VPL5SPR04S');
    }
  });

  it('is refused by SPR08S for a first issue, since every card here is issued', async () => {
    await demandCode({ cardAction: 1 }, 'VPL5SPR08S');
  });

  it('is refused by SPR29S when a PIN is wanted', async () => {
    await demandCode({ randomPin: 1 }, 'VPL5SPR29S');
  });

  it('is refused by a code of ours where it is documented and not done here', async () => {
    for (const cardAction of [0, 4, 5]) await demandCode({ cardAction }, 'CARD_ACTION_UNSUPPORTED');
  });

  it('meets every code that we say it can give', () => {
    const codes = new Set(Object.values(FIRSTVISION_CODES[ACTION] ?? {}));
    assert.deepEqual(
      [...codes].filter((code) => !met.has(code)),
      [],
    );
  });
});
