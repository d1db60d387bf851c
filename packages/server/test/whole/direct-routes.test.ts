import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fastify from 'fastify';
import { Refusal } from '../../src/domain/error.ts';
import { type Begun, makeDirectRoutes, tellOutcomes } from '../../src/http/direct-routes.ts';
import { makeLoad, shedLoad } from '../../src/http/load.ts';
import { decorateWithRequester, requesterOf } from '../../src/http/requester.ts';
import { answerWholeRequests } from '../../src/http/whole/whole-server.ts';
import { makeGate } from '../harness/gate.ts';
import { RawConnection } from '../harness/raw-connection.ts';

const jsonTo = (path: string, ...more: string[]) => [
  `POST ${path} HTTP/1.1`,
  'Content-Type: application/json',
  ...more,
];

/**
 * A Fastify app whose routes say that Fastify answered, and direct routes of the same paths beside
 * them. `/kept` does not answer before it is told to.
 */
async function startBoth(requestsMax = 1_000) {
  const counted: string[] = [];
  const meter = { answered: (name: string) => void counted.push(name), refused: () => undefined };
  const load = makeLoad(requestsMax);
  const direct = makeDirectRoutes({
    load,
    meter,
    tracer: undefined,
    trustedProxies: ['10.0.0.0/8'],
  });
  const app = fastify({
    return503OnClosing: false,
    serverFactory: (handle) => {
      const server: Server = createServer(handle);
      answerWholeRequests(server, handle, direct.answer);
      return server;
    },
  });
  decorateWithRequester(app);
  tellOutcomes(app);
  shedLoad(app, load);
  const { pass, waiting, release } = makeGate();
  app.setErrorHandler(async (error, request, reply) => {
    if (request.headers.slowly !== undefined) await pass();
    return reply.code(422).send({ error: String(error), who: requesterOf(request) ?? null });
  });
  const kinds: Record<string, () => Begun | undefined> = {
    '/good': () => ({
      who: 'caller:a',
      answer: async (id) => JSON.stringify({ by: 'direct', id }),
    }),
    '/left': () => undefined,
    '/throws': () => {
      throw new Refusal('BODY_NOT_JSON');
    },
    '/refuses': () => ({
      who: 'caller:b',
      answer: () => Promise.reject(new Refusal('CARD_NOT_FOUND')),
    }),
    '/fails': () => ({
      who: 'caller:b',
      async answer() {
        throw new Error('a bug');
      },
    }),
    // A bug, and none that says so.
    '/rejects': () => ({ who: 'caller:b', answer: () => Promise.reject() }),
    '/kept': () => ({
      who: 'caller:c',
      async answer() {
        await pass();
        return '{"by":"kept"}';
      },
    }),
  };
  const ips: string[] = [];
  for (const [url, begin] of Object.entries(kinds)) {
    app.post(url, async () => ({ by: 'fastify' }));
    direct.add({
      url,
      action: 'inquire_token',
      begin(request) {
        ips.push(request.ip);
        return begin();
      },
    });
  }
  app.post('/other', async () => ({ by: 'fastify' }));
  await app.listen({ host: '127.0.0.1', port: 0 });
  after(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  return { app, direct, load, port, counted, ips, release, waiting };
}

describe('a direct route', { timeout: 20_000 }, () => {
  it('answers with the headers of all answers, and is counted', async () => {
    const { port, counted } = await startBoth();
    const text = await new RawConnection(port).ask(jsonTo('/good'), '{}');
    match(text, /^HTTP\/1\.1 200 OK\r\ncontent-type: application\/json; charset=utf-8\r\n/);
    match(text, /\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n/);
    const [, id] = /\r\nx-request-id: ([0-9a-f-]{36})\r\n/.exec(text) ?? [];
    match(text, new RegExp(`\\r\\n\\r\\n\\{"by":"direct","id":"${id}"\\}$`));
    deepEqual(counted, ['inquire_token']);
  });

  it('leaves to Fastify what it does not take, what it cannot read, and what is not its own', async () => {
    const { port, counted } = await startBoth();
    const connection = new RawConnection(port);
    for (const path of ['/left', '/throws', '/other']) {
      match(await connection.ask(jsonTo(path), '{}'), /\{"by":"fastify"\}$/, path);
    }
    const typed = ['POST /good HTTP/1.1', 'Content-Type: application/json;charset=UTF-8'];
    match(await connection.ask(typed, '{}'), /\{"by":"fastify"\}$/);
    match(await connection.ask(jsonTo('/good'), '{}', false), /\{"by":"fastify"\}$/);
    const long = `{"a":"${'a'.repeat(1024)}"}`;
    match(await new RawConnection(port).ask(jsonTo('/good'), long), /\{"by":"fastify"\}$/);
    deepEqual(counted, []);
  });

  it('has one for each path', async () => {
    const { direct } = await startBoth();
    let message = '';
    try {
      direct.add({ url: '/good', action: 'inquire_token', begin: () => undefined });
    } catch (error) {
      ({ message } = error as Error);
    }
    equal(message, 'a path has one route');
  });

  it('has Fastify tell what it refused or failed at, for whom it was', async () => {
    const { port, counted } = await startBoth();
    const connection = new RawConnection(port);
    const refused = await connection.ask(jsonTo('/refuses'), '{}');
    match(refused, /^HTTP\/1\.1 422 /);
    match(refused, /"who":"caller:b"/);
    ok(refused.includes(new Refusal('CARD_NOT_FOUND').message));
    match(await connection.ask(jsonTo('/fails'), '{}'), /"error":"Error: a bug","who":"caller:b"/);
    match(
      await connection.ask(jsonTo('/rejects'), '{}'),
      /^HTTP\/1\.1 422 [\s\S]*"Error: no error"/,
    );
    match(await connection.ask(jsonTo('/good'), '{}'), /"by":"direct"/, 'it goes on');
    deepEqual(counted, ['inquire_token']);
  });

  it('takes the address from a trusted proxy only', async () => {
    const { port, ips } = await startBoth();
    const forwarded = 'X-Forwarded-For: 192.0.2.7';
    await new RawConnection(port).ask(jsonTo('/good', forwarded), '{}');
    deepEqual(ips, ['127.0.0.1']);
    const trusting = makeDirectRoutes({
      load: makeLoad(10),
      meter: { answered: () => undefined, refused: () => undefined },
      tracer: undefined,
      trustedProxies: ['loopback'],
    });
    trusting.add({
      url: '/good',
      action: 'inquire_token',
      begin: ({ ip }) => ({ who: 'caller:a', answer: async () => JSON.stringify({ ip }) }),
    });
    const server = createServer((_request, response) => response.end('node'));
    answerWholeRequests(server, () => undefined, trusting.answer);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    after(() => server.close());
    const behind = new RawConnection((server.address() as AddressInfo).port);
    const chain = 'X-Forwarded-For: 198.51.100.9, 192.0.2.7';
    match(await behind.ask(jsonTo('/good', chain), '{}'), /\{"ip":"192\.0\.2\.7"\}$/);
    behind.socket.destroy();
  });

  it('is left alone once the server closes', async () => {
    const { port, direct } = await startBoth();
    const connection = new RawConnection(port);
    match(await connection.ask(jsonTo('/good'), '{}'), /"by":"direct"/);
    direct.close();
    match(await connection.ask(jsonTo('/good'), '{}'), /"by":"fastify"/);
  });
});

describe('requests of direct routes under way', { timeout: 20_000 }, () => {
  it('hold up those behind them on their connection, and no others', async () => {
    const both = await startBoth();
    const connection = new RawConnection(both.port);
    const first = connection.ask(jsonTo('/kept'), '{}');
    while (both.waiting() === 0) await sleep(2);
    match(await new RawConnection(both.port).ask(jsonTo('/good'), '{}'), /"by":"direct"/);
    const second = connection.ask(jsonTo('/good'), '{}');
    await sleep(20);
    both.release();
    const texts = await Promise.all([first, second]);
    deepEqual(texts.map((text) => /"by":"(\w+)"/.exec(text)?.[1]).sort(), ['direct', 'kept']);
  });

  it('count as load, for all and for who sent them, until they end', async () => {
    const both = await startBoth(4);
    const kept = [1, 2].map(() => new RawConnection(both.port));
    const answers = kept.map((connection) => connection.ask(jsonTo('/kept'), '{}'));
    while (both.waiting() < 2) await sleep(2);
    // Half of the places are taken by one: the third is Fastify's to refuse.
    const third = await new RawConnection(both.port).ask(jsonTo('/kept'), '{}');
    match(third, /"by":"fastify"/);
    both.release();
    await Promise.all(answers);
    const holder = both.load.hold('caller:c');
    equal(holder.count, 1, 'this one only');
  });

  it('that are refused count until that is told', async () => {
    const both = await startBoth();
    const answers = [1, 2, 3].map(() =>
      new RawConnection(both.port).ask(jsonTo('/refuses', 'Slowly: yes'), '{}'),
    );
    while (both.waiting() < 3) await sleep(2);
    equal(both.load.hold('caller:b').count, 4, 'with this one');
    both.release();
    for (const text of await Promise.all(answers)) match(text, /^HTTP\/1\.1 422 /);
    equal(both.load.hold('caller:b').count, 2, 'the two of this test');
  });

  it('of clients that are gone leave nothing behind, and no error', async () => {
    const both = await startBoth();
    for (const path of ['/kept', '/refuses']) {
      const connection = new RawConnection(both.port);
      await once(connection.socket, 'connect');
      connection.socket.write(
        `${jsonTo(path).join('\r\n')}\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}`,
      );
      connection.socket.resetAndDestroy();
    }
    await sleep(50);
    both.release();
    await sleep(50);
    equal(both.load.hold('caller:c').count, 1);
    equal(both.load.hold('caller:b').count, 1);
    match(await new RawConnection(both.port).ask(jsonTo('/good'), '{}'), /"by":"direct"/);
  });
});
