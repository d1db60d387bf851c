import assert, { deepEqual, equal, match } from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { after, describe, it } from 'node:test';
import fastify from 'fastify';
import { makeLoad, shedLoad } from '../src/http/load.ts';
import { LOOPBACK_TRANSPORT } from '../src/http/transport.ts';
import { makeLog } from '../src/log.ts';
import { openService } from '../src/service.ts';
import { makeIssuerClient } from './harness/issuer-client.ts';
import { freshPan } from './harness/numbers.ts';
import { injecting } from './harness/send.ts';
import { startService } from './harness/service.ts';

const log = makeLog('error', { write: () => undefined });

describe('requests of one caller', () => {
  it('are limited by the minute, with Retry-After and one record; others are not touched', async () => {
    const test = await startService();
    let nowMs = Date.now();
    const clock = { nowMs: () => nowMs };
    const node = await openService(test.home, log, clock, { requestsPerMinute: 60 });
    after(() => node.close());
    const send = injecting(() => node.app, test.registry);
    const client = makeIssuerClient(send, test.channel.credentials);
    const pan = freshPan();
    const codes: (string | undefined)[] = [];
    for (let count = 0; count < 40; count++) {
      const reply = await client.tokenOf(100, pan);
      codes.push(reply.code);
      if (reply.status === 429) equal(reply.headers['retry-after'], '1');
    }
    // Ten seconds' worth at once.
    deepEqual(codes.slice(0, 10), Array(10).fill('VPL5SCI05S'));
    deepEqual(codes.slice(10), Array(30).fill('RATE_EXCEEDED'));
    const other = makeIssuerClient(send, test.issuer.credentials);
    equal((await other.tokenOf(100, pan)).code, 'VPL5SCI05S');
    nowMs += 2_000;
    const after2s = [await client.tokenOf(100, pan), await client.tokenOf(100, pan)];
    deepEqual(
      after2s.map(({ code }) => code),
      ['VPL5SCI05S', 'VPL5SCI05S'],
    );
    equal((await client.tokenOf(100, pan)).code, 'RATE_EXCEEDED');
    const records = () => test.audit().filter(({ code }) => code === 'RATE_EXCEEDED').length;
    equal(records(), 1);
    nowMs += 61_000;
    for (let count = 0; count < 12; count++) await client.tokenOf(100, pan);
    equal(records(), 2, 'one a minute');
  });
});

describe('private-key operations', () => {
  it('are refused above their number, and served again behind the flood', async () => {
    const test = await startService();
    const { merchantid } = test.merchant.credentials;
    const pan = freshPan();
    await test.issuer.create({ cardNumber: pan, expirationDate: '2030-11-01' });
    const fields = { pan, expmonth: '11', expyear: '2030', merchantid };
    const body = JSON.stringify({ encdata: test.merchant.encrypt(JSON.stringify(fields)) });
    const replies = await Promise.all(Array.from({ length: 400 }, () => test.merchant.post(body)));
    const statuses = new Set(replies.map(({ status }) => status));
    deepEqual([...statuses].sort(), [200, 429]);
    const busy = replies.find(({ status }) => status === 429);
    equal(JSON.parse(busy?.text ?? '').code, 'QUOTA_EXCEEDED');
    assert(Number(busy?.headers['retry-after']) >= 1);
    // Of a flood as many are served as may wait; the rest costs no private operation.
    assert(replies.filter(({ status }) => status === 200).length >= 64);
    equal((await test.merchant.post(body)).status, 200);
  });
});

describe('a loop that runs late', () => {
  it('answers 503 before anything is done, and recovers', async () => {
    const app = fastify();
    shedLoad(app, makeLoad(1_000), (path) => path === '/health');
    app.setErrorHandler((error: { code?: string }, _request, reply) =>
      reply.code(503).send(error.code),
    );
    let served = 0;
    app.get('/', async () => ++served);
    app.get('/health', async () => 'well');
    after(() => app.close());
    equal((await app.inject('/')).statusCode, 200);
    // Work that leaves the loop no room: each turn takes longer than it may.
    let reply = await app.inject('/');
    for (let turn = 0; turn < 20 && reply.statusCode === 200; turn++) {
      const until = performance.now() + 1_400;
      while (performance.now() < until);
      await new Promise((resolve) => setTimeout(resolve, 1));
      reply = await app.inject('/');
    }
    deepEqual([reply.statusCode, reply.payload], [503, 'TOO_BUSY']);
    equal((await app.inject('/health')).statusCode, 200, 'who watches is answered all the same');
    const before = served;
    for (let tries = 0; reply.statusCode !== 200; tries++) {
      assert(tries < 400, 'it recovers');
      await new Promise((resolve) => setTimeout(resolve, 50));
      reply = await app.inject('/');
    }
    equal(served, before + 1);
  });
});

describe('a client that sends slowly', () => {
  const tests: Readonly<Record<string, readonly [string, string]>> = {
    'its headers': ['POST /token HTTP/1.1\r\nhost: x\r\n', 'x-slow: a\r\n'],
    'its body': [
      'POST /token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 999\r\n\r\n',
      'a',
    ],
  };
  for (const [what, [start, drop]] of Object.entries(tests)) {
    it(`${what} is cut off, however steadily it goes on, and others are served meanwhile`, async () => {
      const test = await startService();
      const timeouts = { headersTimeoutMs: 500, requestTimeoutMs: 800 };
      const transport = { ...LOOPBACK_TRANSPORT, ...timeouts };
      const node = await openService(test.home, log, undefined, { transport });
      after(() => node.close());
      await node.app.listen({ host: '127.0.0.1', port: 0 });
      const { port } = node.app.server.address() as AddressInfo;
      const socket = connect(port, '127.0.0.1');
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('error', () => undefined);
      socket.write(start);
      const timer = setInterval(() => socket.write(drop), 50);
      const health = await fetch(`http://127.0.0.1:${port}/openapi.json`);
      equal(health.status, 200);
      await once(socket, 'close');
      clearInterval(timer);
      if (answer !== '') match(answer, /^HTTP\/1\.1 (?:401|408) /);
    });
  }
});
