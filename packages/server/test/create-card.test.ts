import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { luhnResidue } from '@pantoken/pan-token';
import { unpad } from './harness/issuer-client.ts';
import { BIN, freshPan, panOf } from './harness/numbers.ts';
import { startService } from './harness/service.ts';

const { issuer, registry, rows } = await startService();

describe('creating a card', () => {
  it('gives a given number its PAN-TOKEN at that moment, and the same one ever after', async () => {
    const pan = freshPan();
    const created = await issuer.create({ cardNumber: pan, postToAccount: '4711' });
    assert.equal(created.status, 200);
    const { cardNumber, ...rest } = created.data;
    assert.deepEqual(rest, {
      organizationNumber: 100,
      organizationAssociatedToForeignAccount: 100,
      logo: 1,
      accountNumber: '0000000000000004711',
      cardSequence: 1,
      currentChipSequenceNumber: 1,
    });
    assert.match(cardNumber, /^000540208[A-Z][0-9A-Z]{5}[0-9]{4}$/);
    assert.equal(cardNumber.slice(-4), pan.slice(-4));
    assert.equal((await issuer.tokenOf(100, pan)).data.panToken, cardNumber);
    assert.equal((await issuer.numberOf(100, cardNumber)).data.cardNumber, `000${pan}`);
  });

  it('draws a number of one of the BINs, with a correct check digit, never twice', async () => {
    const numbers = new Set<string>();
    const bins = new Set<string>();
    for (let count = 0; count < 40; count++) {
      const { cardNumber, logo } = (await issuer.create()).data;
      const pan = unpad((await issuer.numberOf(100, cardNumber)).data.cardNumber);
      const bin = pan.slice(0, 6);
      assert.equal(pan.length, 16);
      assert.equal(luhnResidue(pan), 0);
      assert.equal(logo, bin === BIN.mastercard ? 1 : 2);
      bins.add(bin);
      numbers.add(pan);
    }
    assert.equal(numbers.size, 40);
    // One of the two is missed by chance in 2 ** 39 runs.
    assert.deepEqual([...bins].sort(), [BIN.visa, BIN.mastercard]);
  });

  it('gives each organization tokens of its own format', async () => {
    const numeric = (await issuer.create({ organizationNumber: 200 })).data.cardNumber;
    assert.match(numeric, /^000527346[0-9]{10}$/);
    assert.notEqual(luhnResidue(unpad(numeric)), 0);
    const random = (await issuer.create({ organizationNumber: 400 })).data.cardNumber;
    assert.match(random, /^00022230012[0-9](?=.{0,2}[A-Z])[0-9A-Z]{3}[0-9]{4}$/);
  });

  it('shows the masked number where PAN Token is off, and keeps a token all the same', async () => {
    const pan = freshPan(BIN.off);
    const created = await issuer.create({ organizationNumber: 300, cardNumber: pan });
    assert.equal(created.data.cardNumber, `453201xxxxxx${pan.slice(-4)}`);
    const kept = rows('select token from card_number where organization = 300');
    assert.match(String(kept[0]?.token), /^453201[A-Z]/);
  });

  it('takes a number with zeros to 19 characters, and none but the whole padding', async () => {
    const pan = freshPan();
    assert.equal((await issuer.create({ cardNumber: `000${pan}` })).status, 200);
    const half = await issuer.create({ cardNumber: `00${freshPan()}` });
    assert.deepEqual([half.status, half.code], [422, 'PAN_MALFORMED']);
  });

  it('keeps the token of a number that gets another card', async () => {
    const pan = freshPan();
    const first = await issuer.create({ cardNumber: pan, cardSequence: 1 });
    const second = await issuer.create({ cardNumber: pan, cardSequence: 2, postToAccount: '2' });
    assert.equal(second.data.cardNumber, first.data.cardNumber);
    assert.equal(second.data.cardSequence, 2);
    const account = (await issuer.tokenOf(100, pan, { cardSequence: 2 })).data.accountNumber;
    assert.equal(account, '0000000000000000002');
  });

  it('refuses the same number with the same sequence', async () => {
    const pan = freshPan();
    await issuer.create({ cardNumber: pan });
    const again = await issuer.create({ cardNumber: pan });
    assert.deepEqual([again.status, again.code], [422, 'CARD_EXISTS']);
  });

  it('takes sequences from 0 to 9999', async () => {
    const pan = freshPan();
    for (const cardSequence of [0, 9999]) {
      assert.equal((await issuer.create({ cardNumber: pan, cardSequence })).status, 200);
    }
    const over = await issuer.create({ cardNumber: pan, cardSequence: 10_000 });
    assert.equal(over.code, 'CARD_SEQUENCE_INVALID');
  });

  it('refuses a number of a BIN that is of another organization, or of none', async () => {
    for (const pan of [freshPan(BIN.numeric), panOf('411111', 7)]) {
      const reply = await issuer.create({ cardNumber: pan });
      assert.deepEqual([reply.status, reply.code], [422, 'PAN_OUTSIDE_BIN_RANGES']);
    }
  });

  it('refuses a number with a wrong check digit or of a wrong length', async () => {
    const pan = freshPan();
    const wrongDigit = pan.slice(0, -1) + ((Number(pan.at(-1)) + 1) % 10);
    registry.add(wrongDigit);
    for (const cardNumber of [wrongDigit, '54020800005', `${pan} `]) {
      assert.equal((await issuer.create({ cardNumber })).code, 'PAN_MALFORMED');
    }
  });

  it('takes a field of spaces or zeros for an empty one, as fixed-width clients send it', async () => {
    for (const cardNumber of [' ', '0', '0000000000000000000', '                   ']) {
      assert.equal((await issuer.create({ cardNumber })).status, 200);
    }
  });

  it('refuses a number of a length that the format does not serve', async () => {
    const short = await issuer.create({ cardNumber: panOf(BIN.mastercard, 3, 14) });
    assert.equal(short.code, 'PAN_LENGTH_NOT_SERVED');
    const long = await issuer.create({ cardNumber: panOf(BIN.mastercard, 3, 19) });
    assert.match(long.data.cardNumber, /^540208[A-Z][0-9A-Z]{8}[0-9]{4}$/);
    assert.equal((await issuer.numberOf(100, long.data.cardNumber)).status, 200);
  });
});

describe('creating cards at the same time', () => {
  it('makes one record and one token of one number', async () => {
    const pan = freshPan();
    const sequences = Array.from({ length: 12 }, (_, index) => index + 1);
    const replies = await Promise.all(
      sequences.map((cardSequence) => issuer.create({ cardNumber: pan, cardSequence })),
    );
    const tokens = new Set(replies.map((reply) => reply.data.cardNumber));
    assert.equal(tokens.size, 1);
    const [token = ''] = tokens;
    const kept = rows(`select number_id from card_number where token = '${unpad(token)}'`);
    assert.equal(kept.length, 1);
  });

  it('gives one caller the card and all others CARD_EXISTS', async () => {
    const pan = freshPan();
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => issuer.create({ cardNumber: pan })),
    );
    const outcomes = replies.map(({ code }) => code ?? 'made').sort();
    assert.deepEqual(outcomes, [...Array(7).fill('CARD_EXISTS'), 'made']);
  });
});
