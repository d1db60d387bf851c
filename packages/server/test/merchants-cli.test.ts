import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TRIES_MAX } from '../src/usecase/finish-watch.ts';
import { makeCommandLine } from './harness/command-line.ts';
import { editByHand } from './harness/service.ts';
import { cardOf, startWatchingService } from './harness/watching-service.ts';

/*
 * What an operator does about merchants and notifications on the command line, and when a service that
 * runs meanwhile notices.
 */

const watching = await startWatchingService();
const { server, receiver } = watching;
const { home, send } = server;

const pantoken = makeCommandLine(home);

async function done(...args: string[]): Promise<string> {
  const { code, out, err } = await pantoken(...args);
  assert.equal(code, 0, err);
  return out;
}

const linesOf = (out: string) =>
  out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));

/** A key in a file, and its fingerprint as openssl has it. */
function keyFile(name: string, pem: string): { path: string; fingerprint: string } {
  const path = join(home, `${name}.pem`);
  writeFileSync(path, pem);
  const bytes = Buffer.from(pem.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');
  return { path, fingerprint: createHash('sha256').update(bytes).digest('hex') };
}

const receiverKey = keyFile('receiver', watching.publicKeyPem);
const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
const smallKey = keyFile('small', String(small.export({ type: 'spki', format: 'pem' })));
const V15 = ['--algorithm', 'rsa-v1_5'] as const;
const shop = { merchantid: '', apiKey: '' };

async function ask(path: string, fields: object) {
  const headers = { 'content-type': 'application/json', 'x-api-key': shop.apiKey };
  const body = JSON.stringify({ ...fields, merchantid: shop.merchantid });
  return send({ method: 'POST', path, headers, body });
}

async function untilStatus(pan: string, status: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const reply = await ask('/api/cu/validatepan', cardOf(pan));
    if (reply.status === status) return;
    assert(tries < 400, `${reply.status} instead of ${status}`);
    await sleep(25);
  }
}

describe('pantoken merchants', () => {
  it('adds one under the key it has told of, and no other', async () => {
    const add = ['merchants', 'add', 'shop', ...V15, '--key'] as const;
    const { path, fingerprint } = receiverKey;
    const other = await pantoken(...add, path, '--fingerprint', smallKey.fingerprint);
    assert.equal(other.code, 1);
    assert.match(other.err, new RegExp(`another key: its fingerprint is ${fingerprint}`));
    assert.match((await pantoken(...add, smallKey.path)).err, /RSA/);
    assert.match((await pantoken(...add, path, '--fingerprint', 'AB')).err, /SHA-256 of a key/);
    const colons = fingerprint.toUpperCase().match(/../g)?.join(':') ?? '';
    Object.assign(shop, JSON.parse(await done(...add, path, '--fingerprint', colons)));
    await untilStatus(await watching.newCard(), 200);
  });

  it('lists them with the fingerprints of their keys, and without secrets', async () => {
    const out = await done('merchants', 'list');
    const listed = linesOf(out).find(({ name }) => name === 'shop');
    assert.deepEqual(
      [listed.id, listed.keyFingerprint, listed.algorithm],
      [shop.merchantid, receiverKey.fingerprint, 'rsa-v1_5'],
    );
    assert(!out.includes(shop.apiKey));
  });

  it('changes its key and its API key', async () => {
    const set = ['merchants', 'set-key', 'shop', '--key', receiverKey.path] as const;
    const pinned = ['--fingerprint', smallKey.fingerprint] as const;
    assert.equal((await pantoken(...set, '--algorithm', 'jwe', ...pinned)).code, 1);
    await done(...set, '--algorithm', 'rsa-oaep-256');
    await done(...set, ...V15, '--fingerprint', receiverKey.fingerprint);
    const pan = await watching.newCard();
    const { apiKey } = JSON.parse(await done('merchants', 'rotate', 'shop'));
    await untilStatus(pan, 401);
    shop.apiKey = apiKey;
    await untilStatus(pan, 200);
  });

  it('sets how much it may ask', async () => {
    const pan = await watching.newCard();
    await done('merchants', 'set-terms', 'shop', '--validations-per-minute', '6');
    await untilStatus(pan, 429);
    await done('merchants', 'set-terms', 'shop', '--validations-per-minute', '0');
    await untilStatus(pan, 200);
  });
});

describe('pantoken notifications', () => {
  it('lists what was given up, and sends it anew', async () => {
    await done('merchants', 'set-url', 'shop', receiver.url);
    await server.service.directory.refresh();
    const pan = await watching.newCard();
    const added = await ask('/api/cu/addwatchlist', { pans: [cardOf(pan)] });
    const { panid } = JSON.parse(added.text).pans[0];
    await watching.tell({ kind: 'closed', pan });
    receiver.answer(() => 500);
    for (let hours = 0; hours <= 25; hours++) {
      await watching.settle();
      server.moveClock(60 * 60 * 1000);
    }
    const [failed] = linesOf(await done('notifications', 'list'));
    assert.deepEqual([failed.panid, failed.attemptCount], [panid, 25]);
    receiver.answer(() => 200);
    const posts = watching.toldOf(panid).length;
    const retry = ['notifications', 'retry', panid] as const;
    assert.match(await done(...retry, String(failed.position)), /^It is sent anew/);
    await watching.settle();
    assert.equal(watching.toldOf(panid).length, posts + 1);
    const delivered = linesOf(await done('notifications', 'list', '--state', 'delivered'));
    assert(delivered.some((each) => each.panid === panid));
    assert.deepEqual(linesOf(await done('notifications', 'list')), []);
    assert.match(
      await done(...retry, String(failed.position)),
      /^Nothing is sent: it was delivered/,
    );
    assert.match(await done(...retry, '99'), /^Nothing is sent: this card has no notification/);
    await watching.settle();
    assert.equal(watching.toldOf(panid).length, posts + 1);
  });

  it('refuses to send anew what nobody knows, and keeps no word of it', async () => {
    const mistyped = '5402080000000013';
    const { code, out, err } = await pantoken('notifications', 'retry', mistyped, '1');
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /^pantoken: No card is watched by this id/);
    const [last] = server
      .audit()
      .filter(({ action }) => action === 'retry_notification')
      .slice(-1);
    assert.deepEqual(
      [last?.outcome, last?.code, last?.panid],
      ['refused', 'PANID_UNKNOWN', undefined],
    );
    assert.match((await pantoken('notifications', 'retry', mistyped, 'one')).err, /whole number/);
  });
});

describe('pantoken watchlist', () => {
  it('lists the cards whose last check had no answer, and why', async () => {
    const { panid } = JSON.parse(
      (await ask('/api/cu/addwatchlist', { pans: [cardOf(await watching.newCard())] })).text,
    ).pans[0];
    assert.deepEqual(linesOf(await done('watchlist', 'failing')), []);
    editByHand(home, (database) => {
      database.exec(`update watch_entry set sealed = x'00' where panid = '${panid}'`);
    });
    server.moveClock(24 * 60 * 60 * 1000);
    await watching.settle();
    const [{ nextCheckAt, ...failing }, ...others] = linesOf(await done('watchlist', 'failing'));
    const { merchantid: merchantId } = shop;
    const expected = { panid, merchantId, failureCount: 1, lastCode: 'RECORD_DAMAGED' };
    assert.deepEqual([failing, others], [expected, []]);
    assert.equal(Date.parse(nextCheckAt) > server.nowMs(), true);
  });
});

describe('a merchant that is disabled', () => {
  it('is out, and what it watched is forgotten', async () => {
    const pan = await watching.newCard();
    await done('merchants', 'disable', 'shop');
    await untilStatus(pan, 401);
    await watching.settle();
    // One of them is damaged: it is tried as often as one that its scheme does not let go of.
    for (let tries = 1; tries < TRIES_MAX; tries++) {
      server.moveClock(25 * 60 * 60 * 1000);
      await watching.settle();
    }
    const rows = server.rows(`select ended, length(sealed) as size from watch_entry`);
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      [
        { ended: 1, size: 0 },
        { ended: 1, size: 0 },
      ],
    );
    const records = server.audit().filter(({ merchantId }) => merchantId === shop.merchantid);
    const ids = new Set(records.map(({ requestId }) => requestId));
    assert(!ids.has('cli'));
    assert(records.some(({ action }) => action === 'set_merchant_terms'));
  });
});
