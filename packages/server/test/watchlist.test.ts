import assert from 'node:assert/strict';
import { constants, createHash, generateKeyPairSync, privateDecrypt, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import { unpad } from './harness/issuer-client.ts';
import { BIN, freshPan } from './harness/numbers.ts';
import { startReceiver } from './harness/receiver.ts';
import { operator } from './harness/service.ts';
import { cardOf, startWatchingService } from './harness/watching-service.ts';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

const watching = await startWatchingService();
const { server, certificates, receiver, publicKeyPem } = watching;
const { add, newCard, watchNew, signedIn, tell, settle, toldOf } = watching;
const { merchant, send } = server;
const { merchantid } = merchant.credentials;
const { received } = receiver;
const { merchantKeys, setNotification } = server.service.updater;

describe('a notification URL', () => {
  it('is needed before anything is watched', async () => {
    const refused = await add([cardOf(freshPan())]);
    assert.deepEqual(
      [refused.status, JSON.parse(refused.text).code],
      [409, 'NOTIFICATION_URL_MISSING'],
    );
  });

  it('is taken when it proves to hold the key, over https, and not with a key that is too small', async () => {
    const set = (url: string) => setNotification(operator, 'merchant', { url, signed: false });
    await assert.rejects(set(receiver.url), { code: 'MERCHANT_KEY_INVALID' });
    await merchantKeys.replaceKey(operator, 'merchant', { publicKeyPem, algorithm: 'rsa-v1_5' });
    await assert.rejects(set(receiver.url.replace('https', 'http')), {
      code: 'NOTIFICATION_URL_INVALID',
    });
    await assert.rejects(set(`${receiver.url}?a=b`), { code: 'NOTIFICATION_URL_INVALID' });
    await assert.rejects(set(receiver.url.replace('localhost', '127.0.0.1')), {
      code: 'NOTIFICATION_URL_UNPROVEN',
    });
    await set(receiver.url);
  });

  it('does not outlive a key that is too small for it', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const key = { publicKeyPem: String(small.export({ type: 'spki', format: 'pem' })) };
    const replace = (algorithm: 'rsa-v1_5' | 'rsa-oaep-256') =>
      merchantKeys.replaceKey(operator, 'merchant', { ...key, algorithm });
    await assert.rejects(replace('rsa-v1_5'), { code: 'MERCHANT_KEY_INVALID' });
    await assert.rejects(replace('rsa-oaep-256'), { code: 'MERCHANT_KEY_INVALID' });
  });
});

describe('the watchlist', () => {
  it('takes cards, each for itself, and says what became of each', async () => {
    const [first, second] = [freshPan(), freshPan(BIN.visa)];
    const reply = await add([
      cardOf(first, { customreference: 'order-1' }),
      cardOf(second),
      cardOf(first),
      cardOf('123'),
      cardOf(freshPan(), { expmonth: '13' }),
      cardOf('340000000000009'),
      cardOf(freshPan(), { customreference: 'x'.repeat(65) }),
    ]);
    assert.equal(reply.status, 200, reply.text);
    const statuses = reply.pans.map(({ status }) => status);
    assert.deepEqual(statuses.filter((status) => status === '0').length, 4);
    assert.deepEqual([statuses[0], statuses[2]].sort(), ['1', '2']);
    assert.equal(reply.pans[0]?.panid, reply.pans[2]?.panid);
    assert.match(reply.pans[1]?.panid ?? '', /^[0-9a-f]{32}$/);
    assert.deepEqual(
      reply.pans.slice(3).map(({ code }) => code),
      [
        ...['CARD_NUMBER_MALFORMED', 'EXPIRY_INVALID', 'SCHEME_UNSUPPORTED'],
        'CUSTOM_REFERENCE_INVALID',
      ],
    );
    assert.deepEqual(
      (await add([cardOf(first)])).pans.map(({ status }) => status),
      ['2'],
    );
  });

  it('finds panids by their custom reference, and ends them', async () => {
    const reference = 'customer 7 / "ä"';
    const [one, two] = [
      await watchNew({ customreference: reference }),
      await watchNew({ customreference: reference }),
    ];
    const list = async () => {
      const query = new URLSearchParams({ customreference: reference, merchantid });
      const path = `/api/cu/panids?${query}`;
      const reply = await send({ method: 'GET', path, headers: merchant.headers() });
      return (JSON.parse(reply.text).panids as string[]).sort();
    };
    assert.deepEqual(await list(), [one.panid, two.panid].sort());
    const end = (panid: string) =>
      send({ method: 'DELETE', path: `/api/cu/${panid}/unsubscribe`, headers: merchant.headers() });
    const ended = await end(one.panid);
    assert.deepEqual([ended.status, ended.text], [200, '{}']);
    assert.equal((await end(one.panid)).status, 404);
    assert.equal((await end('0'.repeat(32))).status, 404);
    assert.equal((await end('x')).status, 404);
    assert.deepEqual(await list(), [two.panid]);
    assert.equal((await add([cardOf(one.pan)])).pans[0]?.status, '1');
    const kept = server.rows('select * from watch_entry where ended = 1 and length(sealed) > 0');
    assert.equal(kept.length, 0);
  });
});

describe('a change of a watched card', () => {
  it('is told at once, once, and not before its day', async () => {
    const { pan, panid } = await watchNew({ customreference: 'c-1' });
    await settle();
    assert.deepEqual(toldOf(panid), []);
    const newPan = freshPan();
    await tell({ kind: 'replaced', pan, newPan, newExpiry: '2033-02' });
    const tomorrow = new Date(Date.now() + DAY_MS).toISOString().slice(0, 10);
    await tell({ kind: 'closed', pan: newPan, effectiveDate: tomorrow });
    await settle();
    assert.deepEqual(
      toldOf(panid).map(({ fields }) => fields),
      [
        {
          ...{ panid, status: 'A', scheme: 'mastercard', oldpan: pan },
          ...{ oldexpmonth: '11', oldexpyear: '2030', newpan: newPan },
          ...{ newexpmonth: '02', newexpyear: '2033', customreference: 'c-1' },
        },
      ],
    );
    server.moveClock(DAY_MS);
    await settle();
    assert.deepEqual(
      toldOf(panid).map(({ fields }) => fields.status),
      ['A', 'C'],
    );
    await settle();
    assert.equal(toldOf(panid).length, 2);
  });

  it('is told to those who watch a card that leads to it', async () => {
    const one = await watchNew();
    const two = await watchNew();
    const end = await newCard();
    await tell({ kind: 'replaced', pan: one.pan, newPan: end });
    await tell({ kind: 'replaced', pan: two.pan, newPan: end });
    await settle();
    await tell({ kind: 'closed', pan: end });
    await settle();
    for (const { panid } of [one, two]) {
      assert.deepEqual(
        toldOf(panid).map(({ fields }) => fields.status),
        ['A', 'C'],
      );
    }
  });

  it('is told when the first check finds it, and never when the card is as the merchant has it', async () => {
    const pan = await newCard();
    await tell({ kind: 'contact_cardholder', pan });
    const { pans } = await add([
      cardOf(pan),
      cardOf(await newCard()),
      cardOf(freshPan()),
      cardOf('4111111111111111'),
    ]);
    server.moveClock(DAY_MS);
    await settle();
    const told = pans.map(({ panid }) => toldOf(panid ?? '').map(({ fields }) => fields.status));
    assert.deepEqual(told, [['Q'], [], [], []]);
  });

  it('is not told any more after unsubscribing', async () => {
    const { pan, panid } = await watchNew();
    await tell({ kind: 'closed', pan });
    const { checkWatchlist } = server.service.updater;
    await checkWatchlist();
    await send({
      method: 'DELETE',
      path: `/api/cu/${panid}/unsubscribe`,
      headers: merchant.headers(),
    });
    await settle();
    assert.deepEqual(toldOf(panid), []);
  });
});

describe('a notification', () => {
  it('is sent 25 times, an hour apart and under one id, and never again', async () => {
    const { pan, panid } = await watchNew();
    await tell({ kind: 'closed', pan });
    receiver.answer(() => 500);
    for (let hour = 0; hour < 30; hour++) {
      await settle();
      await settle();
      server.moveClock(HOUR_MS);
    }
    const sent = toldOf(panid);
    assert.equal(sent.length, 25);
    assert.equal(new Set(sent.map(({ requestId }) => requestId)).size, 1);
    const { listNotifications, retryNotification } = server.service.updater;
    const [failed] = await listNotifications('failed', 10);
    assert.deepEqual(
      [failed?.panid, failed?.attemptCount, failed?.lastOutcome],
      [panid, 25, 'HTTP 500'],
    );
    receiver.answer(() => 200);
    await settle();
    assert.equal(toldOf(panid).length, 25);
    assert.equal(await retryNotification(operator, panid, failed?.position ?? 0), 'retried');
    await settle();
    assert.equal(toldOf(panid).length, 26);
  });

  for (const [name, status] of [
    ['a redirect', 302],
    ['204', 204],
    ['a connection that is cut', 0],
  ] as const) {
    it(`is not acknowledged by ${name}`, async () => {
      const { pan, panid } = await watchNew();
      await tell({ kind: 'closed', pan });
      receiver.answer(() => status);
      await settle();
      assert.equal(toldOf(panid).length, 1);
      receiver.answer(() => 200);
      server.moveClock(HOUR_MS);
      await settle();
      assert.deepEqual(
        toldOf(panid).map((each) => each.status),
        [status, 200],
      );
    });
  }

  it('waits for those of its card that went before', async () => {
    const { pan, panid } = await watchNew();
    receiver.answer(() => 503);
    await tell({ kind: 'contact_cardholder', pan });
    await settle();
    await tell({ kind: 'closed', pan });
    await settle();
    assert.deepEqual(
      toldOf(panid).map(({ fields }) => fields.status),
      ['Q'],
    );
    receiver.answer(() => 200);
    server.moveClock(HOUR_MS);
    await settle();
    assert.deepEqual(
      toldOf(panid).map(({ fields }) => fields.status),
      ['Q', 'Q', 'C'],
    );
  });
});

describe('a card named by its PAN-TOKEN', () => {
  it('is told of by tokens only, to a merchant of that organization', async () => {
    const numbered = generateKeyPairSync('rsa', { modulusLength: 3072 });
    const key = String(numbered.publicKey.export({ type: 'spki', format: 'pem' }));
    const { merchant: member, apiKey } = await server.service.register.addMerchant(operator, {
      name: 'member',
      publicKeyPem: key,
      algorithm: 'rsa-oaep-256',
      organizations: new Set([100]) as never,
    });
    const own = await startReceiver(certificates, numbered.privateKey, 'rsa-oaep-256');
    await setNotification(operator, 'member', { url: own.url, signed: true });
    const headers = { ...merchant.headers(), 'x-api-key': apiKey };
    const pan = await newCard();
    const tokenOf = async (number: string) =>
      unpad((await signedIn().tokenOf(100, number)).data.panToken);
    const token = await tokenOf(pan);
    const fields = { pantoken: token, expmonth: '11', expyear: '2030' };
    const ask = async (more = {}) => {
      const body = JSON.stringify({ ...fields, merchantid: member.id, ...more });
      const reply = await send({ method: 'POST', path: '/api/cu/validatepan', headers, body });
      if (reply.status !== 200) return JSON.parse(reply.text).code;
      const encrypted = Buffer.from(JSON.parse(reply.text).encdata, 'base64');
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      const opened = { key: numbered.privateKey, padding, oaepHash: 'sha256' };
      return JSON.parse(privateDecrypt(opened, encrypted).toString());
    };
    assert.deepEqual(await ask(), {
      ...{ status: 'V', scheme: 'mastercard', oldpantoken: token },
      ...{ oldexpmonth: '11', oldexpyear: '2030' },
    });
    const body = JSON.stringify({ pans: [fields], merchantid: member.id });
    const added = await send({ method: 'POST', path: '/api/cu/addwatchlist', headers, body });
    const [{ panid, pantoken, status }] = JSON.parse(added.text).pans;
    assert.deepEqual([pantoken, status], [token, '1']);
    const newPan = freshPan();
    await tell({ kind: 'replaced', pan, newPan, newExpiry: '2033-02' });
    const newToken = await tokenOf(newPan);
    assert.deepEqual([(await ask()).newpantoken, (await ask()).newpan], [newToken, undefined]);
    await settle();
    const [told] = own.received;
    assert.deepEqual(told?.fields, {
      ...{ panid, status: 'A', scheme: 'mastercard', oldpantoken: token },
      ...{ oldexpmonth: '11', oldexpyear: '2030', newpantoken: newToken },
      ...{ newexpmonth: '02', newexpyear: '2033' },
    });
    assert(told !== undefined && isSigned(told, own.url));
    const stranger = `527346${token.slice(6)}`;
    assert.equal(await ask({ pantoken: stranger }), 'CARD_NUMBER_NOT_FOUND');
    assert.equal(await ask({ pan }), 'REQUEST_INVALID');
    const other = { ...fields, merchantid };
    const refused = await merchant.post(JSON.stringify(other));
    assert.equal(JSON.parse(refused.text).code, 'CARD_NUMBER_NOT_FOUND');
  });
});

describe('a watchlist of 10,000', () => {
  it('takes 10,000 cards in one call, and no more', async () => {
    const many = Array.from({ length: 10_001 }, () => cardOf(freshPan(BIN.visa)));
    assert.equal((await add(many)).status, 400);
    const { pans } = await add(many.slice(1));
    assert.deepEqual([pans.length, new Set(pans.map(({ status }) => status)).size], [10_000, 1]);
    const due = server
      .rows('select next_check_at as at from watch_entry order by created_at desc limit 10000')
      .map(({ at }) => Number(at));
    const now = server.nowMs();
    assert(due.every((at) => at >= now - HOUR_MS && at <= now + DAY_MS));
    const quarters = [0, 1, 2, 3].map(
      (quarter) => due.filter((at) => Math.floor((at - now) / (DAY_MS / 4)) === quarter).length,
    );
    // Binomial, n = 10,000 and p = 1/4: five standard deviations are 217.
    for (const count of quarters) assert(Math.abs(count - due.length / 4) < 300, `${quarters}`);
  });
});

/** RFC 9421, 3.2, by hand. */
function isSigned({ headers, body }: (typeof received)[number], url: string): boolean {
  const input = String(headers['signature-input']).replace(/^sig=/, '');
  const names = [...input.slice(0, input.indexOf(')')).matchAll(/"([^"]+)"/g)].map(
    ([, name]) => name,
  );
  const digest = createHash('sha256').update(body).digest('base64');
  assert.equal(headers['content-digest'], `sha-256=:${digest}:`);
  const derived: Record<string, string> = { '@method': 'POST', '@target-uri': url };
  const lines = names.map((name = '') => `"${name}": ${derived[name] ?? headers[name]}`);
  const base = [...lines, `"@signature-params": ${input}`].join('\n');
  const signature = Buffer.from(String(headers.signature).split(':')[1] ?? '', 'base64');
  return verify(null, Buffer.from(base), server.service.updater.signingKeyPem, signature);
}
