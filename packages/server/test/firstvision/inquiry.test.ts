import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { luhnResidue } from '@pantoken/pan-token';
import { FIRSTVISION_CODES } from '../../src/http/firstvision/error.ts';
import { INQUIRE, unpad } from '../harness/issuer-client.ts';
import { BIN, freshPan, panOf } from '../harness/numbers.ts';
import { GHOST_ORGANIZATION, startService } from '../harness/service.ts';

const tests = await startService();
const { issuer, channel, stranger, registry } = tests;
const met = new Set<string>();

const pan = freshPan();
const token = (await issuer.create({ cardNumber: pan, postToAccount: '12' })).data.cardNumber;
const ask = { organizationNumber: 100, cardNumber: pan, functionType: 'C' };

async function demandCode(fields: object, code: string, status = 422): Promise<void> {
  const reply = await issuer.inquire({ ...ask, ...fields });
  assert.deepEqual([reply.status, reply.code], [status, code], JSON.stringify(fields));
  met.add(code);
}

describe('an inquiry', () => {
  it('gives the token of a number, padded, and the number nowhere', async () => {
    for (const cardNumber of [pan, `000${pan}`]) {
      const reply = await issuer.tokenOf(100, cardNumber);
      assert.deepEqual(reply.data, {
        organizationNumber: 100,
        logo: 1,
        cardNumber: token,
        cardSequence: 1,
        accountNumber: '0000000000000000012',
        panToken: token,
      });
      assert(!reply.text.includes(pan));
    }
  });

  it('gives the number of a token, padded, to a caller who may see it', async () => {
    for (const cardNumber of [token, unpad(token)]) {
      const { data } = await issuer.numberOf(100, cardNumber);
      assert.deepEqual([data.cardNumber, data.panToken], [`000${pan}`, token]);
    }
  });

  it('takes C for granted, and sequence 1', async () => {
    const reply = await issuer.inquire({ organizationNumber: 100, cardNumber: pan });
    assert.equal(reply.data.panToken, token);
  });

  it('works for numeric and random tokens in both directions', async () => {
    for (const [organizationNumber, bin] of [
      [200, BIN.numeric],
      [400, BIN.random],
    ] as const) {
      const number = freshPan(bin);
      const made = await issuer.create({ organizationNumber, cardNumber: number });
      const { cardNumber } = made.data;
      assert.equal((await issuer.tokenOf(organizationNumber, number)).data.panToken, cardNumber);
      const back = await issuer.numberOf(organizationNumber, cardNumber);
      assert.equal(unpad(back.data.cardNumber), number);
    }
  });

  it('by a caller that is not certified gives tokens and no number', async () => {
    assert.equal((await channel.tokenOf(100, pan)).data.panToken, token);
    const refused = await channel.numberOf(100, token);
    assert.deepEqual([refused.status, refused.code], [403, 'NUMBER_FORBIDDEN']);
  });

  it('by such a caller is refused alike whether a token exists or not, or is none at all', async () => {
    const unknown = `${token.slice(0, 10)}${token[10] === 'A' ? 'B' : 'A'}${token.slice(11)}`;
    const texts = new Set<string>();
    for (const cardNumber of [token, unpad(token), unknown, '000540208ZZZZZZ1234', 'x', pan]) {
      const { status, text } = await channel.numberOf(100, cardNumber);
      texts.add(`${status} ${text}`);
    }
    assert.equal(texts.size, 1);
  });
});

describe('an inquiry is refused', () => {
  it('by SAD07S for an organization of others, as for one that does not exist', async () => {
    for (const organizationNumber of [777, 0, 998 - 1]) {
      await demandCode({ organizationNumber }, 'VPL5SAD07S');
    }
    const ofOthers = await stranger.tokenOf(100, pan);
    const ofNobody = await stranger.tokenOf(777, pan);
    assert.equal(ofOthers.code, 'VPL5SAD07S');
    assert.equal(ofOthers.text, ofNobody.text);
    assert.equal((await stranger.numberOf(100, token)).code, 'VPL5SAD07S');
  });

  it('by SCI01E for what is no organization number', async () => {
    for (const organizationNumber of [999, -1, 1.5, '100', '', null, true, [100], 1e300]) {
      await demandCode({ organizationNumber }, 'VPL5SCI01E');
    }
    await demandCode({ organizationNumber: undefined }, 'VPL5SCI01E');
  });

  it('by SCI03E for a card number that is not numeric', async () => {
    for (const cardNumber of [
      token,
      unpad(token),
      `${pan.slice(0, -1)}x`,
      '540208１２３４５６７８９０',
    ]) {
      await demandCode({ cardNumber }, 'VPL5SCI03E');
    }
  });

  it('by SCI04E for what is no card sequence', async () => {
    for (const cardSequence of [-1, 10_000, 1.5, '1', null, {}]) {
      await demandCode({ cardSequence }, 'VPL5SCI04E');
    }
  });

  it('by SCI05S for a card that is not there', async () => {
    await demandCode({ cardNumber: panOf(BIN.mastercard, 999) }, 'VPL5SCI05S');
    await demandCode({ cardNumber: panOf('411111', 9) }, 'VPL5SCI05S');
    const never = (await issuer.create({ organizationNumber: 400 })).data.cardNumber;
    const middle = never[11] === '1' ? '2' : '1';
    const other = { functionType: 'P', organizationNumber: 400 };
    const cardNumber = `${never.slice(0, 11)}${middle}${never.slice(12)}`;
    await demandCode({ ...other, cardNumber }, 'VPL5SCI05S');
  });

  it('by SCI07S for an organization that has no record', async () => {
    await demandCode({ organizationNumber: GHOST_ORGANIZATION }, 'VPL5SCI07S');
    const inquiry = { organizationNumber: GHOST_ORGANIZATION, functionType: 'P' };
    await demandCode({ ...inquiry, cardNumber: token }, 'VPL5SCI07S');
  });

  it('by SCI09S for a sequence that the number has no card with', async () => {
    await demandCode({ cardSequence: 2 }, 'VPL5SCI09S');
    await demandCode({ cardSequence: 0, functionType: 'P', cardNumber: token }, 'VPL5SCI09S');
  });

  it('by SEA04E for spaces or zeros', async () => {
    for (const cardNumber of ['0', '0'.repeat(19), ' ', ' '.repeat(19), '', '0'.repeat(32)]) {
      for (const functionType of ['C', 'P']) {
        await demandCode({ cardNumber, functionType }, 'VPL5SEA04E');
      }
    }
  });

  it('by SEA05E for what is no token, whatever is wrong with it', async () => {
    const wrong = [
      ...[unpad(token).toLowerCase(), `0${unpad(token)}`, `00${unpad(token)}`, `${unpad(token)} `],
      ...[unpad(token).slice(1), `${unpad(token)}1`, 'A', '<script>', "' or 1=1 --", '\u0000'],
      ...[unpad(token).replace(/[A-Z]/, 'Z'), pan, `000${pan}`, '５４０２０８Ａ１２３４'],
    ];
    for (const cardNumber of wrong) {
      await demandCode({ functionType: 'P', cardNumber }, 'VPL5SEA05E');
    }
  });

  it('by SEA16S where PAN Token is switched off, in both directions', async () => {
    const off = freshPan(BIN.off);
    await issuer.create({ organizationNumber: 300, cardNumber: off });
    await demandCode({ organizationNumber: 300, cardNumber: off }, 'VPL5SEA16S');
    const [row] = tests.rows('select token from card_number where organization = 300');
    const cardNumber = String(row?.token);
    const inquiry = { organizationNumber: 300, functionType: 'P', cardNumber };
    await demandCode(inquiry, 'VPL5SEA16S');
  });

  it('by SIE31S for an encrypted number where there is no zone key', async () => {
    await demandCode({ cardNumber: '0123456789abcdef0123456789ABCDEF' }, 'VPL5SIE31S');
  });

  it('by SIE32S for an encrypted number that is not 32 hexadecimal digits', async () => {
    for (const cardNumber of ['0123456789abcdef0123', 'g'.repeat(32)]) {
      await demandCode({ cardNumber }, 'VPL5SIE32S');
    }
  });

  it('by SIE33S when a key is missing or a record does not open', async () => {
    await tests.restart((database) => {
      database.exec('update card_number set sealed_pan = zeroblob(44) where organization = 100');
    });
    await demandCode({}, 'VPL5SIE33S');
    await demandCode({ functionType: 'P', cardNumber: token }, 'VPL5SIE33S');
    assert.match(tests.logText(), /RECORD_DAMAGED/);
  });

  it('of a length that cannot be, or a function that is none, by codes of ours', async () => {
    registry.add(panOf(BIN.mastercard, 1, 12));
    await demandCode({ cardNumber: '54020800001' }, 'CARD_NUMBER_MALFORMED');
    await demandCode({ cardNumber: '5'.repeat(33) }, 'REQUEST_INVALID', 400);
    for (const functionType of ['c', 'p', '', 'CP', 'X', null, 1]) {
      await demandCode({ functionType }, 'REQUEST_INVALID', 400);
    }
  });

  it('by every code that FirstVision documents, once at least', () => {
    const documented = new Set(Object.values(FIRSTVISION_CODES[INQUIRE] ?? {}));
    assert.deepEqual(
      [...documented].filter((code) => !met.has(code)),
      [],
    );
    assert.equal(documented.size, 13);
  });
});

it('no token of this test passes the Luhn check', () => {
  for (const { token: each } of tests.rows('select token from card_number')) {
    const text = String(each);
    assert(/[A-Z]/.test(text) || luhnResidue(text) !== 0);
  }
});
