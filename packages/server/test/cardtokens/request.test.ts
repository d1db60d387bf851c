import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VALIDATE } from '../harness/merchant-client.ts';
import { freshPan } from '../harness/numbers.ts';
import { startService } from '../harness/service.ts';

const { issuer, merchant, send, registry } = await startService();
const { merchantid, apiKey } = merchant.credentials;
const pan = freshPan();
await issuer.create({ cardNumber: pan, expirationDate: '2030-11-01' });
const card = { pan, expmonth: '11', expyear: '2030', merchantid };
const CANARY = '5402089999999999999';
registry.add(CANARY);

async function demandRefused(
  body: string,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): Promise<void> {
  const reply = await merchant.post(body, headers);
  const { correlationID, message, ...rest } = JSON.parse(reply.text);
  assert.deepEqual([reply.status, rest], [status, { code }], body);
  assert.match(message, /^[A-Z].*\.$/);
  assert.equal(correlationID, reply.headers['x-request-id']);
  for (const value of [pan, CANARY]) assert(!reply.text.includes(value));
}

describe('a request in clear', () => {
  it('may spell its names in any case', async () => {
    const upper = Object.entries(card).map(([name, value]) => [name.toUpperCase(), value]);
    const mixed = { Pan: pan, ExpMonth: '11', expYear: '2030', MerchantId: merchantid };
    for (const fields of [Object.fromEntries(upper), mixed]) {
      assert.equal(merchant.decrypt(await merchant.post(JSON.stringify(fields))).status, 'V');
    }
  });

  it('has its merchantid in either case', async () => {
    const fields = { ...card, merchantid: merchantid.toUpperCase() };
    assert.equal(merchant.decrypt(await merchant.post(JSON.stringify(fields))).status, 'V');
  });

  it('is refused when two names differ in case only', async () => {
    const body = `{"pan":"${pan}","PAN":"${pan}","expmonth":"11","expyear":"2030","merchantid":"${merchantid}"}`;
    await demandRefused(body, 400, 'BODY_DUPLICATE_KEY');
  });

  it('is refused when a field is missing, unknown, empty or no string', async () => {
    for (const name of Object.keys(card)) {
      await demandRefused(JSON.stringify({ ...card, [name]: undefined }), 400, 'REQUEST_INVALID');
      for (const value of [null, 1, true, [pan], { pan }]) {
        await demandRefused(JSON.stringify({ ...card, [name]: value }), 400, 'REQUEST_INVALID');
      }
    }
    await demandRefused(JSON.stringify({ ...card, cvv: '123' }), 400, 'REQUEST_INVALID');
    const body = JSON.stringify(card).replace(`"${pan}"`, pan);
    await demandRefused(body, 400, 'REQUEST_INVALID');
  });

  it('is refused for a number, month or year of a wrong form', async () => {
    const wrong = [
      '',
      '12345678901',
      '1'.repeat(20),
      `${pan} `,
      ` ${pan}`,
      pan.replace(/^5/, '５'),
    ];
    for (const each of wrong) {
      await demandRefused(JSON.stringify({ ...card, pan: each }), 400, 'CARD_NUMBER_MALFORMED');
    }
    for (const expmonth of ['', '0', '00', '13', '1', '011', '1１', 'Nov']) {
      await demandRefused(JSON.stringify({ ...card, expmonth }), 400, 'EXPIRY_INVALID');
    }
    for (const expyear of ['', '30', '02030', '203o', '２０３０', '+203']) {
      await demandRefused(JSON.stringify({ ...card, expyear }), 400, 'EXPIRY_INVALID');
    }
  });

  it('is refused for a number in 19 characters: this face knows no padding', async () => {
    const answer = await merchant.validate(`000${pan}`).catch((error: Error) => error.message);
    assert.match(String(answer), /SCHEME_UNSUPPORTED/);
  });

  it('is refused with the merchantid of another, before the card is looked at', async () => {
    for (const each of ['0'.repeat(32), merchantid.slice(1), '']) {
      const fields = { ...card, merchantid: each };
      await demandRefused(JSON.stringify(fields), 403, 'MERCHANT_UNKNOWN');
      const unknown = { ...fields, pan: CANARY };
      await demandRefused(JSON.stringify(unknown), 403, 'MERCHANT_UNKNOWN');
    }
  });

  it('is refused without a good x-api-key', async () => {
    for (const key of ['', 'wrong', apiKey.slice(1), `${apiKey}x`, merchantid]) {
      const headers = { 'x-api-key': key };
      await demandRefused(JSON.stringify(card), 401, 'CREDENTIALS_INVALID', headers);
    }
    const twice = await send({
      method: 'POST',
      path: VALIDATE,
      headers: { ...merchant.headers(), 'x-api-key': [apiKey, apiKey] },
      body: JSON.stringify(card),
    });
    assert.equal(twice.status, 401);
    const ofIssuer = { 'x-api-key': issuer.credentials.apikey };
    await demandRefused(JSON.stringify(card), 401, 'CREDENTIALS_INVALID', ofIssuer);
  });
});
