import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DONE, type Expected, type Headers, OUT, startMatrix } from '../harness/matrix.ts';
import { VALIDATE } from '../harness/merchant-client.ts';
import { operator } from '../harness/service.ts';

const matrix = await startMatrix();
const { test, pan, ask, demandNoNumber } = matrix;
const { issuer, merchant } = test;

describe("the merchant's face", async () => {
  const { merchantid } = merchant.credentials;
  const fields = { pan, expmonth: '11', expyear: '2030', merchantid };
  const body = JSON.stringify(fields);
  const encrypted = JSON.stringify({ encdata: merchant.encrypt(body) });
  const publicKeyPem = test.service.publicKeyPem;
  const given = { publicKeyPem, algorithm: 'rsa-v1_5' } as const;
  const { register } = test.service;
  const disabled = await register.addMerchant(operator, { ...given, name: 'disabled' });
  await test.service.disableMerchant(operator, 'disabled');
  const other = await register.addMerchant(operator, { ...given, name: 'other' });
  const away = { ...given, name: 'away', networks: ['192.0.2.0/24'] };
  const outside = await register.addMerchant(operator, away);
  const roles: Readonly<Record<string, [Headers, Expected]>> = {
    'no credential': [{ 'x-api-key': '' }, OUT],
    'wrong key': [{ 'x-api-key': 'x'.repeat(43) }, OUT],
    'disabled merchant': [{ 'x-api-key': disabled.apiKey }, OUT],
    'out of its networks': [{ 'x-api-key': outside.apiKey }, OUT],
    "a caller's apikey": [{ 'x-api-key': issuer.credentials.apikey }, OUT],
    'another merchant': [{ 'x-api-key': other.apiKey }, [403, 'MERCHANT_UNKNOWN']],
    good: [{ 'x-api-key': merchant.credentials.apiKey }, DONE],
  };
  for (const [role, [headers, expected]] of Object.entries(roles)) {
    for (const sent of [body, encrypted]) {
      it(`${role}, ${sent === body ? 'in clear' : 'encrypted'}`, async () => {
        const all = { 'content-type': 'application/json', ...headers };
        const reply = await ask({ method: 'POST', path: VALIDATE, headers: all, body: sent });
        const { code } = JSON.parse(reply.text);
        // Inside of what was encrypted nothing is told apart.
        const isHidden = sent === encrypted && role === 'another merchant';
        assert.deepEqual([reply.status, code], isHidden ? [400, 'ENCDATA_UNREADABLE'] : expected);
        demandNoNumber(role, reply);
      });
    }
  }
});

describe('the watchlist of a merchant', () => {
  const { merchantid } = merchant.credentials;
  const cards = { merchantid, pans: [{ pan, expmonth: '11', expyear: '2030' }] };
  const panid = '0'.repeat(32);
  const routes = [
    { method: 'POST', path: '/api/cu/addwatchlist', body: JSON.stringify(cards), good: 409 },
    { method: 'DELETE', path: `/api/cu/${panid}/unsubscribe`, good: 404 },
    { method: 'GET', path: `/api/cu/panids?customreference=x&merchantid=${merchantid}`, good: 200 },
  ] as const;
  const patternOf = (path: string) => path.replace(panid, '{panid}').replace(/\?.*/, '');
  for (const { good, ...request } of routes) {
    it(`${request.method} ${patternOf(request.path)}`, async () => {
      const as = patternOf(request.path);
      const type = 'body' in request ? { 'content-type': 'application/json' } : {};
      for (const key of ['', 'x'.repeat(43), issuer.credentials.apikey]) {
        const reply = await ask({ ...request, headers: { ...type, 'x-api-key': key } }, as);
        assert.equal(reply.status, 401);
        demandNoNumber(request.path, reply);
      }
      const { apiKey } = merchant.credentials;
      const reply = await ask({ ...request, headers: { ...type, 'x-api-key': apiKey } }, as);
      assert.equal(reply.status, good, reply.text);
    });
  }
});

it('the matrix of the merchant asks every route', () => matrix.demandAllAsked('cardtokens'));
