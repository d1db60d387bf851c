import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import fastify, { type FastifyInstance } from 'fastify';
import { answerWholeRequests } from '../../src/http/whole/whole-server.ts';
import { makeGate } from '../harness/gate.ts';

/*
 * A Fastify app over real sockets. Its answers name who read the request: `node`, or `short`, the way
 * of whole requests.
 */

const TIMEOUTS = { headersTimeout: 300, keepAliveTimeout: 600, connectionsCheckingInterval: 50 };

interface Started {
  readonly app: FastifyInstance;
  readonly port: number;
  /** How answers ended: `sent`, or `gone` when nobody was there any more to take one. */
  readonly ends: string[];
  /** Lets the slow requests go on. */
  release(): void;
}

async function start(tls?: { key: Buffer; cert: Buffer }): Promise<Started> {
  const ends: string[] = [];
  const { pass, release } = makeGate();
  const app = fastify({
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    serverFactory: (handle) => {
      const server = (
        tls === undefined
          ? createServer(TIMEOUTS, handle)
          : createTlsServer({ ...TIMEOUTS, ...tls }, handle)
      ) as Server;
      answerWholeRequests(server, handle);
      return server;
    },
  });
  app.addHook('onRequest', async (_request, reply) => {
    reply.raw.on('close', () => ends.push(reply.raw.writableEnded ? 'sent' : 'gone'));
  });
  app.all('/echo', async (request) => {
    const by = request.raw instanceof IncomingMessage ? 'node' : 'short';
    return { by, ...(request.body as object) };
  });
  app.post('/slow', async () => {
    await pass();
    return { by: 'slow' };
  });
  app.post('/long', async () => ({ text: 'ü'.repeat(40_000) }));
  app.post('/none', async (_request, reply) => reply.code(204).send());
  app.post('/twice', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, {});
    try {
      reply.raw.writeHead(500, {});
    } catch (error) {
      reply.raw.end((error as NodeJS.ErrnoException).code);
    }
  });
  app.post('/fail', async (_request, reply) => {
    await pass();
    reply.raw.destroy();
  });
  app.post('/bytes', async (_request, reply) => reply.send(Buffer.from([0xff, 0xfe, 0x41])));
  app.post('/broken', async (_request, reply) =>
    reply.header('x-bad', 'a\r\nSet-Cookie: b').send(),
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  after(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  return { app, port, ends, release };
}

function post(path: string, body = '{"a":1}', ...more: string[]): string {
  const head = ['Host: localhost', 'Content-Type: application/json', ...more];
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return `POST ${path} HTTP/1.1\r\n${[...head, length].join('\r\n')}\r\n\r\n${body}`;
}

/** A client that keeps all it gets. */
class Client {
  text = '';
  isClosed = false;
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.text += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  /** Until `pattern` was answered; a client that waits for ever fails by the test's own time-out. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text) && !this.isClosed) await sleep(2);
    match(this.text, pattern);
    return this.text;
  }

  async untilClosed(): Promise<string> {
    while (!this.isClosed) await sleep(2);
    return this.text;
  }
}

const test = await start();

async function dial(port = test.port): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  return new Client(socket);
}

const readers = (text: string) => [...text.matchAll(/"by":"(\w+)"/g)].map(([, by]) => by);

describe('a request in one piece', { timeout: 20_000 }, () => {
  it('is answered by the short way, and so is the next on its connection', async () => {
    const client = await dial();
    client.socket.write(post('/echo'));
    const first = await client.until(/"by"/);
    match(first, /^HTTP\/1\.1 200 OK\r\n/);
    match(first, /\r\ncontent-type: application\/json; charset=utf-8\r\n/);
    match(first, /\r\ncontent-length: \d+\r\n/);
    match(first, /\r\nconnection: keep-alive\r\nkeep-alive: timeout=0\.6\r\n/);
    const [, date = ''] = /\r\ndate: ([^\r]+)\r\n/.exec(first) ?? [];
    ok(Math.abs(Date.parse(date) - Date.now()) < 5_000, date);
    client.socket.write(post('/echo', '{"b":"é"}'));
    await client.until(/"b":"é"/);
    deepEqual(readers(client.text), ['short', 'short']);
    client.socket.destroy();
  });

  it('is refused and not found as any other', async () => {
    const client = await dial();
    client.socket.write(post('/nowhere'));
    await client.until(/^HTTP\/1\.1 404 Not Found\r\n[\s\S]*Route POST:\/nowhere not found/);
    client.socket.write(post('/echo', '{"a":'));
    await client.until(/HTTP\/1\.1 400 Bad Request\r\n/);
    client.socket.destroy();
  });

  it('gets an answer without a body, and one of many bytes', async () => {
    const client = await dial();
    client.socket.write(post('/none'));
    const none = await client.until(/\r\n\r\n$/);
    match(none, /^HTTP\/1\.1 204 No Content\r\n/);
    doesNotMatch(none, /content-length/);
    client.text = '';
    client.socket.write(post('/long'));
    const long = await client.until(/"}$/);
    match(long, /\r\ncontent-length: 80011\r\n/);
    equal(long.split('ü').length - 1, 40_000);
    client.socket.destroy();
  });

  it('gets one head, with the length of the body', async () => {
    const client = await dial();
    client.socket.write(post('/twice'));
    const text = await client.until(/ERR_HTTP_HEADERS_SENT$/);
    match(text, /^HTTP\/1\.1 200 OK\r\ncontent-length: 21\r\n/);
    client.socket.destroy();
  });

  it('gets nothing, and no connection, for bytes that are no text', async () => {
    const client = await dial();
    client.socket.write(post('/bytes'));
    equal(await client.untilClosed(), '');
  });

  it('loses its connection where the server gives up, also when it is gone before', async () => {
    for (const isGone of [false, true]) {
      const before = test.ends.length;
      const client = await dial();
      client.socket.write(post('/fail'));
      await sleep(50);
      if (isGone) client.socket.resetAndDestroy();
      await sleep(20);
      test.release();
      equal(await client.untilClosed(), '');
      while (test.ends.length === before) await sleep(2);
      deepEqual(test.ends.slice(before), ['gone']);
    }
  });

  it('never gets a header that holds another', async () => {
    const client = await dial();
    client.socket.write(post('/broken'));
    const text = await client.until(/HTTP\/1\.1 500 /);
    doesNotMatch(text, /\r\nSet-Cookie/);
    client.socket.destroy();
  });
});

describe('what is no request in one piece', { timeout: 20_000 }, () => {
  const others: Readonly<Record<string, string>> = {
    'another method': 'GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'a body in chunks': `POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    'a query': post('/echo?a=1'),
  };
  for (const [name, bytes] of Object.entries(others)) {
    it(`is Node's, behind one that was: ${name}`, async () => {
      const client = await dial();
      client.socket.write(post('/echo'));
      await client.until(/short/);
      client.socket.write(bytes);
      await client.until(/node/);
      client.socket.write(post('/echo'));
      await client.until(/node[\s\S]*node/);
      client.socket.destroy();
    });
  }

  it('is answered when it comes byte by byte', async () => {
    const client = await dial();
    client.socket.setNoDelay(true);
    for (const byte of post('/echo')) {
      client.socket.write(byte);
      await sleep(0);
    }
    await client.until(/"by":"node","a":1/);
    client.socket.destroy();
  });

  it('is told so when it is not HTTP', async () => {
    const client = await dial();
    client.socket.write(post('/echo'));
    await client.until(/short/);
    client.socket.write('GARBAGE\r\n\r\n');
    match(await client.untilClosed(), /HTTP\/1\.1 400 Bad Request/);
  });

  it('is cut off when it does not go on', async () => {
    const client = await dial();
    client.socket.write(post('/echo'));
    await client.until(/short/);
    client.socket.write('POST /echo HTTP/1.1\r\nHost: loc');
    match(await client.untilClosed(), /HTTP\/1\.1 408 Request Timeout/);
  });
});

describe('requests ahead of their answers', { timeout: 20_000 }, () => {
  it('are answered in their order', async () => {
    const client = await dial();
    client.socket.write(post('/slow'));
    await sleep(20);
    client.socket.write(post('/echo', '{"n":1}'));
    await sleep(20);
    client.socket.write(post('/echo', '{"n":2}') + post('/echo', '{"n":3}'));
    await sleep(20);
    equal(client.text, '');
    test.release();
    const text = await client.until(/"n":3/);
    deepEqual(
      [...text.matchAll(/"by":"slow"|"n":\d/g)].map(([each]) => each),
      ['"by":"slow"', '"n":1', '"n":2', '"n":3'],
    );
    client.socket.destroy();
  });

  it('are not taken from who reads no answer', async () => {
    const { socket } = await dial();
    socket.pause();
    const before = test.ends.length;
    // Each is answered with 80,000 bytes: what nobody reads would be tens of megabytes here.
    let isFull = false;
    for (let count = 0; count < 500 && !isFull; count++) {
      isFull = !socket.write(post('/long'));
      await sleep(1);
    }
    const answeredCount = test.ends.length - before;
    ok(answeredCount < 200, `${answeredCount} were answered`);
    socket.destroy();
  });
});

describe('a connection', { timeout: 20_000 }, () => {
  it('on which nothing comes is cut off, sooner before the first request', async () => {
    const startedAt = performance.now();
    const silent = await dial();
    const used = await dial();
    used.socket.write(post('/echo'));
    await used.until(/short/);
    await silent.untilClosed();
    const silentMs = performance.now() - startedAt;
    await used.untilClosed();
    const usedMs = performance.now() - startedAt;
    ok(silentMs >= TIMEOUTS.headersTimeout - 5, `${silentMs}`);
    ok(usedMs >= TIMEOUTS.keepAliveTimeout - 5, `${usedMs}`);
  });

  it('is not cut off while its request is under way', async () => {
    const client = await dial();
    client.socket.write(post('/slow'));
    await sleep(3 * TIMEOUTS.keepAliveTimeout);
    equal(client.isClosed, false);
    test.release();
    await client.until(/"by":"slow"/);
    client.socket.destroy();
  });

  it('of a client that is gone tells so, once', async () => {
    const before = test.ends.length;
    const client = await dial();
    client.socket.write(post('/slow'));
    await sleep(50);
    client.socket.destroy();
    while (test.ends.length === before) await sleep(2);
    test.release();
    await sleep(50);
    deepEqual(test.ends.slice(before), ['gone']);
  });

  it('ends behind the answer when the client says so', async () => {
    const client = await dial();
    client.socket.write(post('/echo', '{"a":1}', 'Connection: close'));
    match(await client.untilClosed(), /"by":"node"/);
  });
});

describe('a server that closes', { timeout: 20_000 }, () => {
  it('ends connections that wait, and answers what is under way', async () => {
    const { app, port, release } = await start();
    const [idle, busy, fresh] = [await dial(port), await dial(port), await dial(port)];
    idle.socket.write(post('/echo'));
    await idle.until(/short/);
    busy.socket.write(post('/slow'));
    await sleep(50);
    const closed = app.close();
    await Promise.all([idle.untilClosed(), fresh.untilClosed()]);
    equal(busy.isClosed, false);
    release();
    const text = await busy.untilClosed();
    match(text, /"by":"slow"/);
    match(text, /connection: close/);
    await closed;
  });

  it('cuts off all when it is told to', async () => {
    const { app, port, release } = await start();
    const busy = await dial(port);
    busy.socket.write(post('/slow'));
    await sleep(50);
    app.server.closeAllConnections();
    equal(await busy.untilClosed(), '');
    release();
  });
});

describe('over TLS', { timeout: 20_000 }, () => {
  it('whole requests go the short way, and others to Node', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pantoken-whole-'));
    after(() => rmSync(folder, { recursive: true }));
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const files = ['-subj', '/CN=localhost', '-keyout', keyFile, '-out', certFile];
    execFileSync('openssl', ['req', '-x509', ...kind, ...files], { stdio: 'ignore' });
    const { port } = await start({ key: readFileSync(keyFile), cert: readFileSync(certFile) });
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const client = new Client(socket);
    socket.write(post('/echo'));
    await client.until(/short/);
    socket.write(post('/echo'));
    await client.until(/short[\s\S]*short/);
    socket.write('GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await client.until(/node/);
    socket.write(post('/echo'));
    await client.until(/node[\s\S]*node/);
    socket.destroy();
  });
});
