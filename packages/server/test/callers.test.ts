import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Right } from '../src/domain/caller.ts';
import { Refusal } from '../src/domain/error.ts';
import { makeNetworks } from '../src/http/networks.ts';
import { addCaller } from './harness/add-caller.ts';
import { makeIssuerClient, tokenRequest } from './harness/issuer-client.ts';
import { operator, startService } from './harness/service.ts';

const test = await startService();
const { issuer, send, service, rows } = test;

const refusal = (code: string) => (error: unknown) =>
  error instanceof Refusal && error.code === code;

async function freshToken(): Promise<string> {
  return (await issuer.create()).data.cardNumber;
}

describe('rights', () => {
  it('a right to numbers cannot be given to a caller that is not PCI-certified', async () => {
    const rights = new Set<Right>(['inquire-number']);
    const given = { rights, pciCertified: false };
    await assert.rejects(addCaller(test, given), refusal('RIGHT_NEEDS_CERTIFICATION'));
  });

  it('the database refuses it, too, whoever writes to it', async () => {
    await test.restart((database) => {
      const sql = `update caller set rights = '["inquire-number"]' where name = 'channel'`;
      assert.throws(() => database.exec(sql), /CHECK constraint failed/);
    });
  });

  it('a certified caller without the right sees no number', async () => {
    const caller = await addCaller(test, { rights: new Set<Right>(['issue', 'inquire-token']) });
    const refused = await caller.numberOf(100, await freshToken());
    assert.deepEqual([refused.status, refused.code], [403, 'NUMBER_FORBIDDEN']);
  });

  it('a caller does nothing it has no right to', async () => {
    const token = await freshToken();
    const caller = await addCaller(test, { rights: new Set<Right>(['inquire-number']) });
    const number = (await caller.numberOf(100, token)).data.cardNumber;
    for (const refused of [
      await caller.tokenOf(100, number),
      await caller.create(),
      await caller.act({ cardNumber: token, cardAction: 7 }),
      await caller.act({ cardNumber: token, cardAction: 3 }),
    ]) {
      assert.deepEqual([refused.status, refused.code], [403, 'RIGHT_MISSING']);
    }
  });

  it('each refusal is on record', () => {
    const codes = test.audit().map(({ code }) => code);
    assert(codes.includes('NUMBER_FORBIDDEN'));
    assert(codes.filter((code) => code === 'RIGHT_MISSING').length >= 4);
    assert(codes.includes('RIGHT_NEEDS_CERTIFICATION') === false); // Nothing was ever registered.
  });
});

describe('credentials', () => {
  it('rotate with two valid at once, and the old one ends when its time has come', async () => {
    const old = await addCaller(test);
    const rotated = await test.service.rotateCaller(operator, old.name, 60_000);
    const credentials = { ...old.credentials, ...rotated };
    const renewed = makeIssuerClient(send, credentials);
    assert.equal((await old.create()).status, 200);
    assert.equal((await renewed.create()).status, 200);
    await assert.rejects(
      test.service.rotateCaller(operator, old.name, 60_000),
      refusal('ROTATION_UNDER_WAY'),
    );
    test.moveClock(60_001);
    assert.equal((await old.create()).code, 'CREDENTIALS_INVALID');
    assert.equal((await send(tokenRequest(old.credentials))).status, 401);
    assert.equal((await renewed.create()).status, 200);
  });

  it('rotate without an overlap ends all others at once', async () => {
    const old = await addCaller(test);
    assert.equal((await old.create()).status, 200);
    const rotated = await test.service.rotateCaller(operator, old.name, 0);
    assert.equal((await old.create()).code, 'CREDENTIALS_INVALID');
    const renewed = makeIssuerClient(send, { ...old.credentials, ...rotated });
    assert.equal((await renewed.create()).status, 200);
  });

  it('end with the caller, also the access token it has', async () => {
    const caller = await addCaller(test, { expiresAtMs: Date.now() + 3_600_000 });
    assert.equal((await caller.create()).status, 200);
    test.moveClock(3_600_001);
    const refused = await caller.create();
    assert.deepEqual([refused.status, refused.code], [401, 'CREDENTIALS_INVALID']);
  });

  it('no secret is stored as it is', async () => {
    const { credentials } = await addCaller(test);
    const kept = JSON.stringify(rows('select * from caller_credential'));
    assert(!kept.includes(credentials.apikey) && !kept.includes(credentials.secret));
  });
});

describe('a disabled caller', () => {
  it('is out at once, with the access token it has', async () => {
    const caller = await addCaller(test);
    assert.equal((await caller.create()).status, 200);
    await test.service.disableCaller(operator, caller.name);
    assert.equal((await caller.create()).code, 'CREDENTIALS_INVALID');
    assert.equal((await send(tokenRequest(caller.credentials))).status, 401);
  });

  it('is out on a node that was not told, as soon as it looks', async () => {
    const caller = await addCaller(test);
    assert.equal((await caller.create()).status, 200);
    const { openService } = await import('../src/service.ts');
    const { makeLog } = await import('../src/log.ts');
    const other = await openService(test.home, makeLog('error', { write: () => undefined }));
    await other.disableCaller(operator, caller.name);
    await other.close();
    // The clock of the test is not that of the timer: wait until the node has looked.
    for (let tries = 0; tries < 200; tries++) {
      if ((await caller.create()).code === 'CREDENTIALS_INVALID') return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.fail('the caller is still let in');
  });

  it('nobody who is not registered can be disabled or rotated', async () => {
    const missing = refusal('CALLER_NOT_FOUND');
    await assert.rejects(test.service.disableCaller(operator, 'nobody'), missing);
    await assert.rejects(test.service.rotateCaller(operator, 'nobody', 0), missing);
    await assert.rejects(
      test.service.disableMerchant(operator, 'nobody'),
      refusal('MERCHANT_NOT_FOUND'),
    );
  });
});

it('the record of what was done to a caller names the caller', async () => {
  const { name } = await addCaller(test);
  await test.service.rotateCaller(operator, name, 0);
  await test.service.disableCaller(operator, name);
  const [id] = test.service.directory
    .listCallers()
    .filter((each) => each.name === name)
    .map((each) => each.id);
  const about = test.audit().filter(({ callerId }) => callerId === id);
  assert.deepEqual(
    about.map(({ action, who }) => [action, who]),
    ['add_caller', 'rotate_caller', 'disable_caller'].map((action) => [action, 'operator']),
  );
});

describe('allowed networks', () => {
  it('let a caller in from there and from nowhere else', async () => {
    const inside = await addCaller(test, { networks: ['127.0.0.0/8', '::1'] });
    assert.equal((await inside.create()).status, 200);
    const outside = await addCaller(test, { networks: ['10.1.0.0/16'] });
    const reply = await send(tokenRequest(outside.credentials));
    assert.equal(reply.status, 401);
    assert.match(reply.text, /CREDENTIALS_INVALID/);
  });

  it('are not widened by X-Forwarded-For from somebody who is no trusted proxy', async () => {
    const { credentials } = await addCaller(test, { networks: ['10.1.0.0/16'] });
    const request = tokenRequest(credentials);
    const headers = { ...request.headers, 'x-forwarded-for': '10.1.2.3' };
    assert.equal((await send({ ...request, headers })).status, 401);
  });

  it('are CIDR, IPv4 or IPv6', async () => {
    for (const network of [
      '10.0.0.0/33',
      '10.0.0',
      'all',
      '::/129',
      '',
      '10.0.0.1/8/8',
      'fe80::1%1',
    ]) {
      const given = { networks: [network] };
      await assert.rejects(addCaller(test, given), refusal('REQUEST_INVALID'), network);
    }
  });

  it('match addresses of either family, also IPv4 that came over IPv6', () => {
    const { includes } = makeNetworks();
    assert(includes(['10.1.0.0/16'], '10.1.255.255'));
    assert(includes(['10.1.0.0/16'], '::ffff:10.1.0.1'));
    assert(includes(['2001:db8::/32'], '2001:db8:1::1'));
    assert(!includes(['10.1.0.0/16'], '10.2.0.0'));
    assert(!includes(['2001:db8::/32'], '2001:db9::1'));
    assert(!includes(['0.0.0.0/0'], 'somewhere'));
  });
});

it('the service still opens after all of this', async () => {
  await test.restart();
  assert.equal((await makeIssuerClient(send, issuer.credentials).create()).status, 200);
  assert.notEqual(service, test.service);
});
