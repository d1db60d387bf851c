import assert, { deepEqual, equal, match } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LOOPBACK_TRANSPORT } from '../src/http/transport.ts';
import { makeLog } from '../src/log.ts';
import { openService } from '../src/service.ts';
import { makeCommandLine } from './harness/command-line.ts';
import {
  type CallerCredentials,
  makeIssuerClient,
  tokenRequest,
  unpad,
} from './harness/issuer-client.ts';
import { startService } from './harness/service.ts';

/*
 * What an operator does about callers on the command line, and when a service that runs meanwhile
 * notices.
 */

const test = await startService();

const pantoken = makeCommandLine(test.home);

async function add(name: string, clientId: string, ...more: string[]): Promise<CallerCredentials> {
  const given = ['--client-id', clientId, '--organization', '100', ...more];
  const added = await pantoken('caller', 'add', name, ...given);
  equal(added.code, 0, added.err);
  return JSON.parse(added.out);
}

/** The status of a call, once the running service has noticed what was changed. */
async function untilStatus(credentials: CallerCredentials, status: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const reply = await test.send(tokenRequest(credentials));
    if (reply.status === status) return;
    assert(tries < 400, `${reply.status} instead of ${status}`);
    await sleep(25);
  }
}

const RIGHTS = ['--right', 'issue', 'inquire-token'] as const;

describe('pantoken caller', () => {
  it('makes a caller, shows its secrets once, and lists it without them', async () => {
    const made = await add('atm', '30001', ...RIGHTS);
    deepEqual(Object.keys(made), ['name', 'clientId', 'apikey', 'secret']);
    await untilStatus(made, 200);
    const client = makeIssuerClient(test.send, made);
    const token = unpad((await client.create()).data.cardNumber);
    equal((await client.numberOf(100, token)).code, 'NUMBER_FORBIDDEN');
    const listed = await pantoken('caller', 'list');
    match(
      listed.out,
      /^atm +30001 +100 +issue inquire-token +none +optional firstvision +active +1$/m,
    );
    assert(!listed.out.includes(made.apikey) && !listed.out.includes(made.secret));
    const again = await pantoken(
      'caller',
      'add',
      'atm',
      '--client-id',
      '3',
      '--organization',
      '100',
      ...RIGHTS,
    );
    equal(again.code, 1);
    match(again.err, /registered already/);
  });

  it('gives no right to numbers without certification', async () => {
    const given = ['--client-id', '30002', '--organization', '100', '--right', 'inquire-number'];
    const refused = await pantoken('caller', 'add', 'thief', ...given);
    equal(refused.code, 1);
    match(refused.err, /PCI-certified/);
    const made = await add('core', '30003', '--right', 'inquire-number', '--pci-certified');
    await untilStatus(made, 200);
  });

  it('rotates with two credentials valid at once, then ends the older ones', async () => {
    const old = await add('web', '30004', ...RIGHTS);
    const rotated = await pantoken('caller', 'rotate', 'web', '--overlap', '7d');
    const next = { ...old, ...JSON.parse(rotated.out) };
    assert.notEqual(next.secret, old.secret);
    await untilStatus(next, 200);
    await untilStatus(old, 200);
    match((await pantoken('caller', 'list')).out, /^web .* active +2$/m);
    const third = await pantoken('caller', 'rotate', 'web', '--overlap', '7d');
    match(third.err, /Two credentials are valid already/);
    const stolen = await pantoken('caller', 'rotate', 'web');
    const last = { ...old, ...JSON.parse(stolen.out) };
    await untilStatus(last, 200);
    for (const ended of [old, next]) await untilStatus(ended, 401);
    match((await pantoken('caller', 'list')).out, /^web .* active +1$/m);
  });

  it('disables a caller for good, on a service that runs, with the access token it has', async () => {
    const made = await add('kiosk', '30005', ...RIGHTS);
    await untilStatus(made, 200);
    const client = makeIssuerClient(test.send, made);
    equal((await client.create()).status, 200);
    const done = await pantoken('caller', 'disable', 'kiosk');
    equal(done.out, 'Caller kiosk is disabled.\n');
    await untilStatus(made, 401);
    equal((await client.create()).code, 'CREDENTIALS_INVALID');
    match((await pantoken('caller', 'list')).out, /^kiosk .* disabled +1$/m);
    match((await pantoken('caller', 'disable', 'nobody')).err, /No caller has this name/);
  });

  it('ends a caller when it expires', async () => {
    const made = await add('guest', '30006', ...RIGHTS, '--expires', '2090-01-31T12:00:00Z');
    await untilStatus(made, 200);
    const byMs = Date.parse('2090-01-31T12:00:00Z') - test.nowMs();
    test.moveClock(byMs);
    equal((await test.send(tokenRequest(made))).status, 401);
    test.moveClock(-byMs - 1_000);
    equal((await test.send(tokenRequest(made))).status, 200);
    const past = await add('late', '30007', ...RIGHTS, '--expires', '2020-01-31');
    equal((await test.send(tokenRequest(past))).status, 401);
    match((await pantoken('caller', 'list')).out, /^late .* expired +1$/m);
  });

  it('lets a caller in from its networks, which a trusted proxy names and nobody else', async () => {
    const made = await add('branch', '30008', ...RIGHTS, '--network', '10.1.0.0/16');
    const transport = { ...LOOPBACK_TRANSPORT, trustedProxies: ['127.0.0.0/8'] };
    const log = makeLog('error', { write: () => undefined });
    const behind = await openService(test.home, log, undefined, { transport });
    const { method, headers, path: url, body: payload } = tokenRequest(made);
    const ask = async (remoteAddress: string, forwarded: string) => {
      const all = { ...headers, 'x-forwarded-for': forwarded };
      const request = { method, url, payload, headers: all, remoteAddress };
      return (await behind.app.inject(request as never)).statusCode;
    };
    equal(await ask('127.0.0.1', '10.1.2.3'), 200);
    equal(await ask('127.0.0.1', '10.2.2.3'), 401);
    equal(await ask('192.0.2.1', '10.1.2.3'), 401, 'who is no proxy is not believed');
    equal(await ask('10.1.2.3', '192.0.2.1'), 200, 'the address of the connection counts');
    await behind.close();
  });

  it('marks bait, and unmarks it', async () => {
    const token = unpad((await test.issuer.create()).data.cardNumber);
    equal((await pantoken('bait', 'mark', token, '--organization', '100')).code, 0);
    equal((await pantoken('bait', 'list', '--organization', '100')).out, `${token}\n`);
    equal((await test.issuer.numberOf(100, token)).status, 200);
    const found = await pantoken('audit', 'search', '--bait', '--action', 'inquire_number');
    equal(JSON.parse(found.out).record.token, token);
    equal((await pantoken('bait', 'unmark', token, '--organization', '100')).code, 0);
    equal((await pantoken('bait', 'list', '--organization', '100')).out, '');
  });
});
