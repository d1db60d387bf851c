import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { after, describe, it } from 'node:test';
import { LOOPBACK_TRANSPORT } from '../src/http/transport.ts';
import { makeLog } from '../src/log.ts';
import { openService } from '../src/service.ts';
import { addCaller } from './harness/add-caller.ts';
import { INQUIRE, tokenRequest } from './harness/issuer-client.ts';
import { startService } from './harness/service.ts';

const test = await startService();
const { issuer, send } = test;

const log = makeLog('error', { write: () => undefined });
const transport = { ...LOOPBACK_TRANSPORT, connectionsMax: 4, requestsMax: 3 };
const service = await openService(test.home, log, undefined, { transport });
await service.app.listen({ host: '127.0.0.1', port: 0 });
after(() => service.close());
const { port } = service.app.server.address() as AddressInfo;

/** Sends bytes as they are; resolves with what came back when the server has closed, or at a word. */
async function exchange(bytes: string, until?: RegExp): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let got = '';
  socket.write(bytes);
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.on('data', (chunk) => {
      got += chunk;
      if (until?.test(got)) socket.destroy();
    });
    socket.on('close', () => resolve(got));
  });
}

describe('limits', () => {
  it('refuse an address that is long, without repeating it', async () => {
    const path = `/cards/${'4'.repeat(2_000)}`;
    const reply = await send({ method: 'GET', path });
    assert.equal(reply.status, 414);
    assert.doesNotMatch(reply.text, /444/);
    assert.doesNotMatch(JSON.stringify(reply.headers), /444/);
  });

  it('refuse headers that are large, before anything is read of them', async () => {
    const answer = await exchange(
      `GET / HTTP/1.1\r\nhost: x\r\nx-big: ${'a'.repeat(9_000)}\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 431 /);
    assert.doesNotMatch(answer, /aaaa/);
  });

  it('refuse a body that is nested deeply', async () => {
    const deep = `{"organizationNumber":${'['.repeat(20)}${']'.repeat(20)}}`;
    const reply = await issuer.send({ method: 'POST', path: INQUIRE, body: deep });
    assert.deepEqual([reply.status, reply.code], [400, 'BODY_TOO_DEEP']);
  });

  it('shed what comes when too much is under way, and recover', async () => {
    // Requests whose bodies never end hold their places; the connection that asks has one more.
    const callers = await Promise.all([addCaller(test), addCaller(test), addCaller(test)]);
    await service.directory.refresh();
    const held = callers.map(({ credentials }) => {
      const { headers = {} } = tokenRequest(credentials);
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.write(
        `POST /token HTTP/1.1\r\nhost: x\r\ncontent-length: 29\r\n${lines.join('')}\r\ngra`,
      );
      return socket;
    });
    const ask = 'GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n';
    let answer = '';
    for (let tries = 0; tries < 100 && !/ 503 /.test(answer); tries++) {
      answer = await exchange(ask, /requestId/);
    }
    assert.match(answer, /^HTTP\/1\.1 503 /);
    assert.match(answer, /TOO_BUSY/);
    assert.match(answer, /retry-after: 1/i);
    for (const socket of held) socket.destroy();
    for (let tries = 0; tries < 100 && !/ 404 /.test(answer); tries++) {
      answer = await exchange(ask, /requestId/);
    }
    assert.match(answer, /^HTTP\/1\.1 404 /);
  });

  it('close connections above their number', async () => {
    const held = Array.from({ length: 4 }, () => connect(port, '127.0.0.1'));
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    const one = connect(port, '127.0.0.1').on('error', () => undefined);
    await once(one, 'close');
    for (const socket of held) socket.destroy();
  });
});

describe('trusted proxies', () => {
  it('are believed, and nobody else is', async () => {
    const caller = await addCaller(test, { networks: ['10.1.0.0/16'] });
    const given = { ...LOOPBACK_TRANSPORT, trustedProxies: ['127.0.0.1'] };
    const behind = await openService(test.home, log, undefined, { transport: given });
    const { method, headers, path: url, body: payload } = tokenRequest(caller.credentials);
    const ask = async (forwarded: string, remoteAddress: string) => {
      const all = { ...headers, 'x-forwarded-for': forwarded };
      const request = { method, url, payload, headers: all, remoteAddress };
      return (await behind.app.inject(request as never)).statusCode;
    };
    assert.equal(await ask('10.1.2.3', '127.0.0.1'), 200);
    assert.equal(await ask('10.2.2.3', '127.0.0.1'), 401);
    assert.equal(await ask('10.1.2.3', '127.0.0.2'), 401);
    // What a client wrote in front of what the proxy saw is not the client's address.
    assert.equal(await ask('10.1.2.3, 192.0.2.1', '127.0.0.1'), 401);
    await behind.close();
  });
});
