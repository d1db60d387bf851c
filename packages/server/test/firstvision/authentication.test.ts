import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SignJWT } from 'jose';
import { INQUIRE, signatureHeaders, tokenRequest } from '../harness/issuer-client.ts';
import { startService } from '../harness/service.ts';

const tests = await startService();
const { issuer, channel, send } = tests;
const token = (await issuer.create()).data.cardNumber;
const body = JSON.stringify({ organizationNumber: 100, cardNumber: token, functionType: 'P' });

/** An inquiry with some headers changed; an empty one is left out. */
const inquireWith = (headers: Record<string, string>) =>
  issuer.send({ method: 'POST', path: INQUIRE, headers, body });

describe('an access token', () => {
  it('is given for an apikey and its secret, in the documented form', async () => {
    const before = Date.now();
    const { status, text, headers } = await send(tokenRequest(issuer.credentials));
    assert.equal(status, 200);
    assert.equal(headers['cache-control'], 'no-store');
    const { access_token: accessToken, issued_at: issuedAt, ...rest } = JSON.parse(text);
    assert.deepEqual(rest, {
      token_type: 'BearerToken',
      client_id: '00970',
      expires_in: '900',
      status: 'approved',
    });
    assert.equal(typeof accessToken, 'string');
    assert(typeof issuedAt === 'string' && Number(issuedAt) >= before);
  });

  const { apikey, secret } = issuer.credentials;
  const basic = (text: string) => ({
    authorization: `Basic ${Buffer.from(text).toString('base64')}`,
  });
  const cases: Readonly<Record<string, object>> = {
    'a wrong secret': { headers: basic(`${apikey}:${'x'.repeat(43)}`) },
    'the secret and more behind a colon': { headers: basic(`${apikey}:${secret}:more`) },
    'the secret of another': { headers: basic(`${apikey}:${channel.credentials.secret}`) },
    'an empty secret': { headers: basic(`${apikey}:`) },
    'no secret': { headers: basic(apikey) },
    'an unknown apikey': { headers: { apikey: 'x', ...basic(`x:${secret}`) } },
    'another apikey in its header': { headers: { apikey: channel.credentials.apikey } },
    'no apikey': { headers: { apikey: '' } },
    'no authorization': { headers: { authorization: '' } },
    'a bearer': { headers: { authorization: `Bearer ${secret}` } },
    'what is no base64': { headers: { authorization: 'Basic ***' } },
  };
  for (const [name, { headers }] of Object.entries(cases) as [string, { headers: object }][]) {
    it(`is not given for ${name}, and nothing tells what was wrong`, async () => {
      const request = tokenRequest(issuer.credentials);
      const all = Object.entries({ ...request.headers, ...headers }).filter(([, value]) => value);
      const reply = await send({ ...request, headers: Object.fromEntries(all) });
      assert.equal(reply.status, 401);
      const { errors } = JSON.parse(reply.text);
      assert.equal(errors[0].code, 'CREDENTIALS_INVALID');
      assert.equal(errors.length, 1);
    });
  }

  it('is not given for another grant, or one that is sent twice', async () => {
    for (const form of ['', 'grant_type=password', 'grant_type=client_credentials&grant_type=x']) {
      const reply = await send({ ...tokenRequest(issuer.credentials), body: form });
      assert.deepEqual(
        [reply.status, JSON.parse(reply.text).errors[0].code],
        [400, 'REQUEST_INVALID'],
      );
    }
  });
});

describe('a caller', () => {
  const bearer = async (text: string) => (await inquireWith({ authorization: text })).code;

  it('needs its apikey, its client id and its bearer', async () => {
    assert.equal((await inquireWith({})).status, 200);
    for (const headers of [
      ...[{ apikey: '' }, { apikey: 'wrong' }, { apikey: channel.credentials.apikey }],
      ...[{ 'x-clientid': '' }, { 'x-clientid': '00971' }, { 'x-clientid': '970' }],
    ]) {
      const reply = await inquireWith(headers as Record<string, string>);
      assert.deepEqual([reply.status, reply.code], [401, 'CREDENTIALS_INVALID']);
    }
    for (const authorization of ['', 'Bearer', 'Bearer ', 'Basic x', 'Bearer x', 'Bearer a b']) {
      assert.equal(await bearer(authorization), 'ACCESS_TOKEN_INVALID');
    }
  });

  it('is not let in with the bearer of another caller', async () => {
    assert.equal(await bearer(`Bearer ${await channel.signIn()}`), 'ACCESS_TOKEN_INVALID');
  });

  it('is not let in with a bearer that was forged, changed or made without a key', async () => {
    const good = await issuer.signIn();
    const [header = '', payload = '', signature = ''] = good.split('.');
    const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
    const forged = await new SignJWT(JSON.parse(Buffer.from(payload, 'base64url').toString()))
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
      .sign(new Uint8Array(32));
    const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    for (const text of [
      ...[forged, `${header}.${payload}.${flipped}`, `${unsigned}.${payload}.`],
      ...[`${header}.${payload}.`, `${good}x`, good.slice(0, -1), `${header}.${payload}`],
      'x'.repeat(2_000),
    ]) {
      assert.equal(await bearer(`Bearer ${text}`), 'ACCESS_TOKEN_INVALID');
    }
    assert.equal(await bearer(`Bearer ${good}`), undefined);
  });

  it('has to sign in again after 900 seconds', async () => {
    const good = `Bearer ${await issuer.signIn()}`;
    tests.moveClock(890_000);
    assert.equal(await bearer(good), undefined);
    tests.moveClock(15_000);
    assert.equal(await bearer(good), 'ACCESS_TOKEN_INVALID');
    tests.moveClock(-905_000);
  });

  it('may sign, and a signature that it sends has to be right', async () => {
    const signed = (more: object = {}) =>
      inquireWith({ ...signatureHeaders(issuer.credentials, body, { id: fresh() }), ...more });
    assert.equal((await signed()).status, 200);
    const good = signatureHeaders(issuer.credentials, body, { id: fresh() });
    const wrong: Record<string, string>[] = [
      { signature: String(good.signature).replace(/^./, (first) => (first === 'A' ? 'B' : 'A')) },
      { signature: `${good.signature}=` },
      { signature: String(good.signature).replace(/=$/, '') },
      { signature: '!' },
      { 'x-client-request-id': 'another' },
      { timestamp: String(Number(good.timestamp) + 1) },
      { timestamp: `${good.timestamp}0` },
      { timestamp: '' },
      { 'x-client-request-id': '' },
      signatureHeaders({ ...issuer.credentials, secret: 'x' }, body, { id: fresh() }),
      signatureHeaders(issuer.credentials, `${body} `, { id: fresh() }),
      signatureHeaders(issuer.credentials, body, {
        id: fresh(),
        timestamp: String(Date.now() - 301_000),
      }),
      signatureHeaders(issuer.credentials, body, {
        id: fresh(),
        timestamp: String(Date.now() + 310_000),
      }),
      signatureHeaders(issuer.credentials, body, { id: fresh(), timestamp: 'soon' }),
    ];
    for (const headers of wrong) {
      const reply = await inquireWith({ ...good, ...headers });
      assert.deepEqual(
        [reply.status, reply.code],
        [401, 'SIGNATURE_INVALID'],
        JSON.stringify(headers),
      );
    }
  });

  it('sends a request id of at most 40 printable characters', async () => {
    for (const id of ['x'.repeat(41), 'ü', 'a b']) {
      const reply = await inquireWith({ 'x-client-request-id': id });
      assert.deepEqual([reply.status, reply.code], [400, 'HEADER_INVALID']);
    }
  });
});

describe('who is not authenticated', () => {
  it('is counted and not recorded', async () => {
    const before = tests.audit().length;
    for (let count = 0; count < 5; count++) await inquireWith({ apikey: 'nobody' });
    assert.equal(tests.audit().length, before);
    await tests.restart();
    const counts = /"counts":\{[^}]*"CREDENTIALS_INVALID":(\d+)/.exec(tests.logText());
    assert(Number(counts?.[1]) >= 5);
  });

  it('is not told whether there is such a path, body or card', async () => {
    const texts = new Set<string>();
    for (const body of ['', '{', '{"organizationNumber":100}', 'x'.repeat(2_000)]) {
      const { status, text } = await issuer.send({
        method: 'POST',
        path: INQUIRE,
        headers: { apikey: 'nobody' },
        body,
      });
      texts.add(`${status} ${text}`);
    }
    assert.equal(texts.size, 1);
  });
});

let lastId = 0;
const fresh = () => `id-${++lastId}`;
