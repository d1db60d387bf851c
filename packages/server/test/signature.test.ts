import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { addCaller } from './harness/add-caller.ts';
import { INQUIRE, signatureHeaders } from './harness/issuer-client.ts';
import { type MessageKey, messageSignatureHeaders } from './harness/message-signature.ts';
import { startService } from './harness/service.ts';

const test = await startService();
const { issuer, rows } = test;
const token = (await issuer.create()).data.cardNumber;
const body = JSON.stringify({
  organizationNumber: 100,
  cardNumber: token,
  cardSequence: 1,
  functionType: 'P',
});
const ask = { method: 'POST', path: INQUIRE, body } as const;

/** Every text that differs from `text` in one bit of one byte that a header can carry. */
function* flipped(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    for (const bit of [1, 2, 4, 16, 64]) {
      const code = text.charCodeAt(at) ^ bit;
      if (code < 0x21 || code > 0x7e) continue;
      yield text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
    }
  }
}

describe('a caller that has to sign', () => {
  it('is let in with its signature only', async () => {
    const caller = await addCaller(test, { signature: 'required' });
    const refused = await caller.send(ask);
    assert.deepEqual([refused.status, refused.code], [401, 'SIGNATURE_REQUIRED']);
    const headers = signatureHeaders(caller.credentials, body);
    assert.equal((await caller.send({ ...ask, headers })).status, 200);
  });

  it('needs an id that is new each time, and a time stamp', async () => {
    const caller = await addCaller(test);
    const headers = signatureHeaders(caller.credentials, body);
    for (const name of ['x-client-request-id', 'timestamp']) {
      const refused = await caller.send({ ...ask, headers: { ...headers, [name]: '' } });
      assert.deepEqual([refused.status, refused.code], [401, 'SIGNATURE_INVALID'], name);
    }
  });

  it('cannot choose another form of signature than its own', async () => {
    const caller = await addCaller(test);
    const { clientId: keyid, secret } = caller.credentials;
    const headers = messageSignatureHeaders({ alg: 'hmac-sha256', keyid, secret }, body);
    assert.equal((await caller.send({ ...ask, headers })).code, 'SIGNATURE_INVALID');
    const other = await addCaller(test, { signatureForm: 'hmac-sha256' });
    const own = signatureHeaders(other.credentials, body);
    assert.equal((await other.send({ ...ask, headers: own })).code, 'SIGNATURE_INVALID');
  });
});

describe('a signed request', () => {
  it('with any byte of it flipped is refused', async () => {
    const { credentials } = issuer;
    const headers = signatureHeaders(credentials, body);
    let count = 0;
    for (const name of ['x-client-request-id', 'timestamp', 'signature'] as const) {
      for (const other of flipped(headers[name] ?? '')) {
        const { status } = await issuer.send({ ...ask, headers: { ...headers, [name]: other } });
        assert.equal(status, 401, `${name}: ${other}`);
        count++;
      }
    }
    for (let at = 0; at < body.length; at++) {
      const changed = Buffer.from(body);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 7));
      const { status } = await issuer.send({ ...ask, headers, body: changed });
      // What is no JSON any more is refused for that.
      assert([400, 401].includes(status), `byte ${at}`);
      count++;
    }
    assert(count > 400);
    assert.equal((await issuer.send({ ...ask, headers })).status, 200);
  });

  it('is taken once, and refused with a record when it comes again', async () => {
    const headers = signatureHeaders(issuer.credentials, body);
    assert.equal((await issuer.send({ ...ask, headers })).status, 200);
    for (let count = 0; count < 3; count++) {
      const again = await issuer.send({ ...ask, headers });
      assert.deepEqual([again.status, again.code], [401, 'REQUEST_REPLAYED']);
    }
    assert.equal(test.audit().at(-1)?.code, 'REQUEST_REPLAYED');
  });

  it('that comes many times at once is answered once', async () => {
    const create = JSON.stringify({ organizationNumber: 100, postToAccount: '1', cardNumber: '' });
    const headers = signatureHeaders(issuer.credentials, create);
    const before = rows('select count(*) as n from card')[0]?.n as number;
    const request = {
      method: 'POST',
      path: '/cards/embosser/l8vf',
      body: create,
      headers,
    } as const;
    const replies = await Promise.all(Array.from({ length: 20 }, () => issuer.send(request)));
    assert.equal(replies.filter(({ status }) => status === 200).length, 1);
    assert.equal(replies.filter(({ code }) => code === 'REQUEST_REPLAYED').length, 19);
    assert.equal(rows('select count(*) as n from card')[0]?.n, before + 1);
  });

  it('that was refused is used up, too', async () => {
    const unknown = body.replace(/"cardNumber":"[^"]+"/, '"cardNumber":"540208A00UI0018"');
    const headers = signatureHeaders(issuer.credentials, unknown);
    const request = { ...ask, body: unknown, headers };
    assert.equal((await issuer.send(request)).status, 422);
    assert.equal((await issuer.send(request)).code, 'REQUEST_REPLAYED');
  });

  it('is refused again after a restart, and on another node', async () => {
    const headers = signatureHeaders(issuer.credentials, body);
    assert.equal((await issuer.send({ ...ask, headers })).status, 200);
    await test.restart();
    assert.equal((await issuer.send({ ...ask, headers })).code, 'REQUEST_REPLAYED');
  });

  it('has an id of its own caller: others may use the same', async () => {
    const [one, two] = [await addCaller(test), await addCaller(test)];
    const given = { id: 'the-same' };
    for (const caller of [one, two]) {
      const headers = signatureHeaders(caller.credentials, body, given);
      assert.equal((await caller.send({ ...ask, headers })).status, 200);
    }
  });

  it('is forgotten when its window is over, and is then too old', async () => {
    const caller = await addCaller(test);
    const headers = signatureHeaders(caller.credentials, body, { id: 'forgotten' });
    assert.equal((await caller.send({ ...ask, headers })).status, 200);
    const kept = () => rows("select nonce from request_nonce where nonce = 'forgotten'").length;
    assert.equal(kept(), 1);
    test.moveClock(6 * 60_000 + 1);
    const timestamp = String(Date.now() + 6 * 60_000 + 1);
    const later = signatureHeaders(caller.credentials, body, { timestamp });
    assert.equal((await caller.send({ ...ask, headers: later })).status, 200);
    assert.equal(kept(), 0);
    assert.equal((await caller.send({ ...ask, headers })).code, 'SIGNATURE_INVALID');
    test.moveClock(-6 * 60_000 - 1);
  });
});

describe('a signed batch', () => {
  const path = '/v1/account-changes';
  const change = { kind: 'contact_cardholder', panToken: token };
  const batchOf = (...changes: object[]) => JSON.stringify({ organizationNumber: 100, changes });

  async function post(batch: string, headers: Record<string, string>) {
    const all = { ...(await issuer.headers()), ...headers };
    const reply = await test.send({ method: 'POST', path, headers: all, body: batch });
    return { status: reply.status, answer: JSON.parse(reply.text) };
  }

  it('is taken once, and nothing of it again', async () => {
    const batch = batchOf({ ...change, reference: 'a' }, { ...change, reference: 'b' });
    const headers = signatureHeaders(issuer.credentials, batch);
    assert.equal((await post(batch, headers)).status, 200);
    const again = await post(batch, headers);
    assert.deepEqual([again.status, again.answer.code], [401, 'REQUEST_REPLAYED']);
  });

  it('of malformed messages only is used up, too', async () => {
    const batch = batchOf({ kind: 'replaced', reference: 'c', pan: 'x' });
    const headers = signatureHeaders(issuer.credentials, batch);
    const first = await post(batch, headers);
    assert.equal(first.status, 200);
    assert.equal(first.answer.results[0].status, 'refused');
    assert.equal((await post(batch, headers)).answer.code, 'REQUEST_REPLAYED');
  });
});

describe('an HTTP message signature (RFC 9421)', () => {
  const pair = generateKeyPairSync('ed25519');
  const publicKeyPem = String(pair.publicKey.export({ type: 'spki', format: 'pem' }));

  async function signers() {
    const shared = await addCaller(test, { signatureForm: 'hmac-sha256', signature: 'required' });
    const { clientId, secret } = shared.credentials;
    const own = await addCaller(test, {
      signatureForm: 'ed25519',
      signature: 'required',
      keys: [{ use: 'signature', id: 'key-1', publicKeyPem, fromMs: 0 }],
    });
    const sharedKey: MessageKey = { alg: 'hmac-sha256', keyid: clientId, secret };
    const ownKey: MessageKey = {
      alg: 'ed25519',
      keyid: 'key-1',
      privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    };
    return [
      { caller: shared, key: sharedKey },
      { caller: own, key: ownKey },
    ];
  }

  it('is taken with HMAC and with Ed25519, once', async () => {
    for (const { caller, key } of await signers()) {
      const headers = messageSignatureHeaders(key, body);
      assert.equal((await caller.send({ ...ask, headers })).status, 200, key.alg);
      assert.equal((await caller.send({ ...ask, headers })).code, 'REQUEST_REPLAYED');
    }
  });

  it('with any byte of it flipped is refused', async () => {
    for (const { caller, key } of await signers()) {
      const headers = messageSignatureHeaders(key, body);
      for (const name of ['content-digest', 'signature-input', 'signature'] as const) {
        for (const other of flipped(headers[name] ?? '')) {
          const { status } = await caller.send({ ...ask, headers: { ...headers, [name]: other } });
          assert.equal(status, 401, `${name}: ${other}`);
        }
      }
      const changed = body.replace('"functionType":"P"', '"functionType":"C"');
      assert.equal((await caller.send({ ...ask, body: changed, headers })).status, 401);
    }
  });

  it('is good for its path, its method and its time only', async () => {
    for (const { caller, key } of await signers()) {
      for (const given of [
        { path: '/cards/embosser/l8vf' },
        { method: 'PUT' },
        { createdMs: Date.now() - 301_000 },
        { createdMs: Date.now() + 302_000 },
        { nonce: 'x'.repeat(41) },
      ]) {
        const headers = messageSignatureHeaders(key, body, given);
        assert.equal((await caller.send({ ...ask, headers })).code, 'SIGNATURE_INVALID');
      }
    }
  });

  it('of a key that is not registered, or not yet in use, is refused', async () => {
    const [, { caller, key } = assert.fail()] = await signers();
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const privateKey = stranger.export({ type: 'pkcs8', format: 'pem' });
    for (const other of [
      { ...key, keyid: 'key-2' },
      { alg: 'ed25519', keyid: 'key-1', privateKey } as const,
    ]) {
      const headers = messageSignatureHeaders(other, body);
      assert.equal((await caller.send({ ...ask, headers })).code, 'SIGNATURE_INVALID');
    }
    const keys = [
      { use: 'signature', id: 'k', publicKeyPem, fromMs: Date.now() + 60_000 },
    ] as const;
    const early = await addCaller(test, { signatureForm: 'ed25519', keys });
    const headers = messageSignatureHeaders({ ...key, keyid: 'k' }, body);
    assert.equal((await early.send({ ...ask, headers })).code, 'SIGNATURE_INVALID');
  });

  it('that covers too little is refused', async () => {
    const [{ caller, key } = assert.fail()] = await signers();
    const headers = messageSignatureHeaders(key, body);
    for (const part of [' "content-digest"', '"@method" ', ' "@path"']) {
      const input = (headers['signature-input'] ?? '').replace(part, '');
      const refused = await caller.send({
        ...ask,
        headers: { ...headers, 'signature-input': input },
      });
      assert.equal(refused.code, 'SIGNATURE_INVALID');
    }
  });
});
