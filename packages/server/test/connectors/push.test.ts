import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { makeCallbackGuard } from '../../src/connectors/callback-guard.ts';
import { parseFingerprint } from '../../src/domain/access.ts';
import { LOOPBACK_TRANSPORT } from '../../src/http/transport.ts';
import { makeLog } from '../../src/log.ts';
import { openService } from '../../src/service.ts';
import { simulate } from '../../src/simulate.ts';
import { editByHand, operator } from '../harness/service.ts';
import { testCertificates } from '../harness/simulated-schemes.ts';
import { cardOf, startWatchingService } from '../harness/watching-service.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Both are valid as asked until the scheme says otherwise. */
const VISA_CARD = '4207670264522669';
const MASTERCARD_CARD = '5204730000001009';

const folder = mkdtempSync(join(tmpdir(), 'pantoken-push-'));
const visa = await simulate('visa', join(folder, 'visa'), 0);
const mastercard = await simulate('mastercard', join(folder, 'mastercard'), 0);
const file = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');
const { fingerprint256 } = new X509Certificate(file('visa', 'client.pem'));
const secret = file('mastercard', 'callback-secret');

const watching = await startWatchingService();
const { server, receiver } = watching;
const settings = JSON.parse(readFileSync(join(server.home, 'updater.json'), 'utf8'));
writeFileSync(
  join(server.home, 'updater.json'),
  JSON.stringify({
    ...settings,
    // Visa shows its certificate, Mastercard the secret.
    visa: { ...visa.section, callback: { certificates: [fingerprint256] } },
    mastercard: mastercard.section,
  }),
);
await server.restart();
await watching.notify();

// The certificates of each simulator are of an authority of its own, and so is that of our server.
const log = makeLog('error', { write: () => undefined });
const transport = {
  ...LOOPBACK_TRANSPORT,
  tls: {
    certFile: join(folder, 'visa', 'server.pem'),
    keyFile: join(folder, 'visa', 'server.key'),
  },
  clientCertificates: 'asked',
} as const;
const overTls = await openService(server.home, log, server, { transport });
await overTls.app.listen({ host: '127.0.0.1', port: 0 });
const { port } = overTls.app.server.address() as AddressInfo;
const url = (path: string) => `https://localhost:${port}/v1/callbacks/${path}`;
after(async () => {
  await overTls.close();
  await visa.close();
  await mastercard.close();
  rmSync(folder, { recursive: true });
});

/** What a push is answered that is sent with some certificate, or with none. */
function pushBy(path: string, body: string, pair: { cert?: string; key?: string } = {}) {
  return new Promise<number | undefined>((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const options = { method: 'POST', headers, ca: file('visa', 'ca.pem'), agent: false, ...pair };
    request(url(path), options, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    })
      .on('error', reject)
      .end(body);
  });
}

/** The newest audit record of a watched card: what was done, and why not. */
const lastRecordOf = (panid: string) => {
  const records = server.audit().filter((record) => record.panid === panid);
  const { action, code, upstreamCode } = records.at(-1) ?? {};
  return { action, code, upstreamCode };
};

const lastOf = (panid: string) => watching.toldOf(panid).at(-1)?.fields;
const end = (panid: string, headers = server.merchant.headers()) =>
  server.send({ method: 'DELETE', path: `/api/cu/${panid}/unsubscribe`, headers });

const { pans } = await watching.add([cardOf(VISA_CARD), cardOf(MASTERCARD_CARD)]);
const [visaId = '', mastercardId = ''] = pans.map(({ panid }) => panid);

describe('a watched card of a scheme that pushes', () => {
  it('is subscribed to by its first check, which has nothing to tell', async () => {
    server.moveClock(DAY_MS);
    await watching.settle();
    assert.deepEqual([...visa.subscribed, ...mastercard.subscribed], [VISA_CARD, MASTERCARD_CARD]);
    assert.deepEqual(receiver.received, []);
  });

  it('is told of to the merchant when the scheme pushes, over TLS', async () => {
    assert.equal(await visa.push(url('visa'), VISA_CARD, 'C'), 200);
    await watching.settle();
    assert.equal(lastOf(visaId)?.status, 'C');
    const body = JSON.stringify({ oldAccountNumber: MASTERCARD_CARD, reasonIdentifier: 'A' });
    // Its own push goes by its own authority, which our server is not of: it is only answered anew here.
    await mastercard.push('http://127.0.0.1:9/', MASTERCARD_CARD, 'A').catch(() => undefined);
    assert.equal(await pushBy(`mastercard/${secret}`, body), 200);
    await watching.settle();
    const { status, newpan, newexpyear } = lastOf(mastercardId) ?? {};
    assert.deepEqual([status, newpan?.slice(0, 6), newexpyear?.length], ['A', '520473', 4]);
  });

  it('is asked for by a push, and told nothing when it stands as it was', async () => {
    const calls = visa.callCount;
    assert.equal(await visa.push(url('visa'), VISA_CARD, 'C'), 200);
    await watching.settle();
    assert.deepEqual([visa.callCount, watching.toldOf(visaId).length], [calls + 1, 1]);
  });
});

describe('a check that its scheme does not answer', () => {
  it('is on record with what the scheme called it, and repeated', async () => {
    visa.setFault({ status: 503 });
    server.moveClock(30 * DAY_MS);
    await watching.settle();
    const refused = { action: 'check_watch', code: 'UPSTREAM_REFUSED', upstreamCode: 'HTTP 503' };
    assert.deepEqual(lastRecordOf(visaId), refused);
    visa.setFault(undefined);
    server.moveClock(16 * 60_000);
    await watching.settle();
    const answered = { action: 'check_watch', code: undefined, upstreamCode: undefined };
    assert.deepEqual(lastRecordOf(visaId), answered);
  });
});

describe('a push', () => {
  const body = JSON.stringify({ oldAccountNumber: MASTERCARD_CARD });

  it('is refused, and makes nobody ask, without what was agreed', async () => {
    const other = testCertificates();
    const strangers = [{}, { cert: other.clientCert, key: other.clientKey }];
    const server = { cert: file('visa', 'server.pem'), key: file('visa', 'server.key') };
    for (const pair of [...strangers, server]) {
      assert.equal(await pushBy('visa', body, pair), 401);
      assert.equal(await pushBy('mastercard', body, pair), 401);
      assert.equal(await pushBy(`mastercard/${'x'.repeat(43)}`, body, pair), 401);
      assert.equal(await pushBy(`visa/${secret}`, body, pair), 401);
    }
    const calls = [visa.callCount, mastercard.callCount];
    await watching.settle();
    assert.deepEqual([visa.callCount, mastercard.callCount], calls);
  });

  it('is answered alike whether its card is watched or not', async () => {
    const pair = { cert: file('visa', 'client.pem'), key: file('visa', 'client.key') };
    const unknown = JSON.stringify({ oldAccountNumber: '5204730000001017' });
    assert.equal(await pushBy(`mastercard/${secret}`, unknown), 200);
    assert.equal(await pushBy(`mastercard/${secret}`, body), 200);
    assert.equal(await pushBy(`mastercard/${secret}`, '{"oldAccountNumber":"x"}'), 400);
    assert.equal(await pushBy('visa', '{"encData":"x"}', pair), 422);
  });

  it('is a fact of nobody: what it says is not told, what the scheme answers is', async () => {
    const lie = JSON.stringify({ oldAccountNumber: MASTERCARD_CARD, reasonIdentifier: 'C' });
    const before = watching.toldOf(mastercardId).length;
    assert.equal(await pushBy(`mastercard/${secret}`, lie), 200);
    await watching.settle();
    assert.equal(watching.toldOf(mastercardId).length, before);
  });
});

describe('a card that is not watched any more', () => {
  it('is unsubscribed when nobody else watches it, and forgotten', async () => {
    const { merchant, apiKey } = await server.service.register.addMerchant(operator, {
      ...{ name: 'second', publicKeyPem: watching.publicKeyPem, algorithm: 'rsa-v1_5' },
    });
    const { setNotification } = server.service.updater;
    await setNotification(operator, 'second', { url: receiver.url, signed: false });
    const headers = { ...server.merchant.headers(), 'x-api-key': apiKey };
    const asked = JSON.stringify({ pans: [cardOf(VISA_CARD)], merchantid: merchant.id });
    const path = '/api/cu/addwatchlist';
    const added = await server.send({ method: 'POST', path, headers, body: asked });
    const panid: string = JSON.parse(added.text).pans[0].panid;
    server.moveClock(DAY_MS);
    await watching.settle();

    assert.equal((await end(visaId)).status, 200);
    await watching.settle();
    assert.ok(visa.subscribed.has(VISA_CARD));
    assert.equal((await end(panid, headers)).status, 200);
    await watching.settle();
    assert.ok(!visa.subscribed.has(VISA_CARD));
    const rows = server.rows(
      'select ended, length(sealed) as size from watch_entry where ended > 0',
    );
    assert.deepEqual(
      rows.map(({ ended, size }) => [ended, size]),
      [
        [1, 0],
        [1, 0],
      ],
    );
  });

  it('is unsubscribed later when the scheme cannot be reached', async () => {
    mastercard.setFault({ status: 503 });
    assert.equal((await end(mastercardId)).status, 200);
    assert.equal((await end(mastercardId)).status, 404);
    await watching.settle();
    assert.ok(mastercard.subscribed.has(MASTERCARD_CARD));
    const refused = { action: 'end_watch', code: 'UPSTREAM_REFUSED', upstreamCode: 'HTTP 503' };
    assert.deepEqual(lastRecordOf(mastercardId), refused);
    mastercard.setFault(undefined);
    server.moveClock(DAY_MS);
    await watching.settle();
    assert.ok(!mastercard.subscribed.has(MASTERCARD_CARD));
    const [row] = server.rows(
      `select length(sealed) as size from watch_entry where panid = '${mastercardId}'`,
    );
    assert.equal(row?.size, 0);
  });
});

describe('a card of a merchant that is disabled', () => {
  /** A merchant that watches a Visa card, which is subscribed to, and a card of ours. */
  async function watchingMerchant(name: string): Promise<string> {
    const { merchant, apiKey } = await server.service.register.addMerchant(operator, {
      ...{ name, publicKeyPem: watching.publicKeyPem, algorithm: 'rsa-v1_5' },
    });
    const { setNotification } = server.service.updater;
    await setNotification(operator, name, { url: receiver.url, signed: false });
    const headers = { ...server.merchant.headers(), 'x-api-key': apiKey };
    const ours = await watching.newCard();
    const pans = [cardOf(VISA_CARD), cardOf(ours)];
    const body = JSON.stringify({ pans, merchantid: merchant.id });
    const path = '/api/cu/addwatchlist';
    assert.equal((await server.send({ method: 'POST', path, headers, body })).status, 200);
    server.moveClock(DAY_MS);
    await watching.settle();
    assert.ok(visa.subscribed.has(VISA_CARD));
    // Something waits to be told.
    receiver.answer(() => 500);
    await watching.tell({ kind: 'closed', pan: ours });
    await watching.settle();
    receiver.answer(() => 200);
    return merchant.id;
  }

  const leftOf = (merchantId: string) =>
    server.rows(`select ended, length(sealed) as size from watch_entry
        where merchant = '${merchantId}'
      union all select 0, length(sealed) from notification
        where merchant = '${merchantId}' and state <> 'delivered'`);
  const gone = [
    { ended: 1, size: 0 },
    { ended: 1, size: 0 },
  ];
  const plain = (rows: readonly object[]) => rows.map((row) => ({ ...row }));

  it('is unsubscribed and forgotten at once, with what was to be told of it', async () => {
    const merchantId = await watchingMerchant('third');
    assert.equal(leftOf(merchantId).length, 3);
    await server.service.disableMerchant(operator, 'third');
    await watching.settle();
    assert.ok(!visa.subscribed.has(VISA_CARD));
    assert.deepEqual(plain(leftOf(merchantId)), gone);
    const records = server.audit().filter((record) => record.merchantId === merchantId);
    const actions = [...new Set(records.map(({ who, action }) => `${who} ${action}`))];
    assert.deepEqual(actions, [
      ...['operator add_merchant', 'operator set_merchant_notification', 'updater check_watch'],
      ...['updater notify_merchant', 'operator disable_merchant', 'operator end_watch'],
    ]);
  });

  it('is so at its next check, when the command that disables it was interrupted', async () => {
    const merchantId = await watchingMerchant('fourth');
    editByHand(server.home, (database) => {
      database.exec(`update merchant set disabled_at = 1 where merchant = '${merchantId}';
        update directory_version set version = version + 1`);
    });
    await server.service.directory.refresh();
    server.moveClock(200 * DAY_MS);
    await watching.settle();
    assert.ok(!visa.subscribed.has(VISA_CARD));
    assert.deepEqual(plain(leftOf(merchantId)), gone);
  });
});

describe('what a scheme has to show', () => {
  it('is all that was agreed', () => {
    const certificate = parseFingerprint(fingerprint256) ?? '';
    const both = makeCallbackGuard({ certificates: [certificate], secret });
    assert.ok(both({ certificate, secret }));
    for (const shown of [{ certificate }, { secret }, {}, { certificate, secret: `${secret}x` }]) {
      assert.ok(!both({ certificate: undefined, secret: undefined, ...shown }));
    }
    assert.throws(() => makeCallbackGuard({ certificates: [], secret: undefined }), RangeError);
  });

  it('is not less than a secret nobody guesses, or the service does not start', async () => {
    for (const callback of [{}, { certificates: ['12'] }, { secretFile: 'short' }]) {
      writeFileSync(join(folder, 'short'), 'short');
      const given = { visa: { ...visa.section, callback } };
      const home = mkdtempSync(join(folder, 'home-'));
      writeFileSync(join(home, 'short'), 'short');
      writeFileSync(join(home, 'updater.json'), JSON.stringify(given));
      const { readUpdaterFile } = await import('../../src/connectors/updater-file.ts');
      assert.throws(() => readUpdaterFile(home), /visa\.callback\.(certificates|secretFile)/);
    }
  });
});
