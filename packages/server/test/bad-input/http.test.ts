import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { describe, it } from 'node:test';
import { CREATE, INQUIRE, tokenRequest } from '../harness/issuer-client.ts';
import { VALIDATE } from '../harness/merchant-client.ts';
import { CANARY_PAN, CANARY_TEXT, demandRefusal, jsonRoutes } from '../harness/routes.ts';
import { startService } from '../harness/service.ts';

const tests = await startService();
const { send, service, issuer, registry } = tests;
registry.add(CANARY_PAN);
await service.app.listen({ host: '127.0.0.1', port: 0 });
const { port } = service.app.server.address() as AddressInfo;

/** Sends bytes as they are and gives all that comes back. */
async function sendRaw(...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
  });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  for (const part of parts) socket.write(part);
  socket.end();
  await once(socket, 'close');
  return answer;
}

describe('a path', () => {
  it('that there is none of is refused in the form of the face it would be of', async () => {
    const headers = await issuer.headers();
    const paths = {
      '/cards/embosser/nothing': 'firstvision',
      [`/cards/${CANARY_PAN}`]: 'firstvision',
      '/cards/embosser/l8vf/': 'firstvision',
      '/cards/embosser/L8VF': 'firstvision',
      '/api/cu/nothing': 'cardtokens',
      '/': 'problem',
      [`/${CANARY_TEXT}`]: 'problem',
      '/v1/nothing': 'problem',
      '/.git/config': 'problem',
      '/cards/../etc/passwd': 'problem',
    } as const;
    for (const [path, face] of Object.entries(paths)) {
      for (const method of ['GET', 'POST'] as const) {
        const code = demandRefusal(await send({ method, path, headers }), face);
        assert.equal(code, 'ROUTE_UNKNOWN', path);
      }
    }
  });

  it('that cannot be read is refused', async () => {
    for (const path of ['/cards/%', '/%zz', '/api/cu/%ff%fe', '/%00']) {
      const { status } = await send({ method: 'GET', path });
      assert(status >= 400 && status < 500, `${path} ${status}`);
    }
  });

  it('that is there takes its own method only', async () => {
    for (const route of jsonRoutes(tests)) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const) {
        if (method === route.method) continue;
        const reply = await send({ method, path: route.path, headers: await route.headers() });
        assert.equal(reply.status, 405, `${method} ${route.path} ${reply.text}`);
        assert.equal(demandRefusal(reply, route.face), 'METHOD_NOT_ALLOWED');
      }
    }
    assert.equal((await send({ ...tokenRequest(issuer.credentials), method: 'PUT' })).status, 405);
  });

  it('with a query is the same path, and the query is not repeated', async () => {
    const path = `${INQUIRE}?cardNumber=${CANARY_PAN}`;
    const reply = await issuer.send({ method: 'POST', path, body: '{}' });
    demandRefusal(reply, 'firstvision');
    demandRefusal(await send({ method: 'GET', path }), 'firstvision');
  });
});

describe('a content type', () => {
  it('other than JSON is refused at every route', async () => {
    for (const route of jsonRoutes(tests)) {
      const body = JSON.stringify(await route.fields());
      const types = [
        'text/plain',
        'application/xml',
        'application/x-www-form-urlencoded',
        CANARY_TEXT,
      ];
      for (const type of [...types, 'application/jsonx', 'multipart/form-data; boundary=x', '']) {
        const all = { ...(await route.headers()), 'content-type': type };
        const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value));
        const request = { ...route, headers, body };
        const code = demandRefusal(await send(request), route.face, request);
        assert.equal(code, 'CONTENT_TYPE_UNSUPPORTED', `${route.path} ${type}`);
      }
    }
  });

  it('of JSON may name its encoding', async () => {
    for (const route of jsonRoutes(tests)) {
      const body = JSON.stringify(await route.fields());
      const all = await route.headers();
      const headers = { ...all, 'content-type': 'application/json; charset=utf-8' };
      assert.equal((await send({ ...route, headers, body })).status, 200);
    }
  });

  it('of POST /token is a form, and nothing else', async () => {
    const request = tokenRequest(issuer.credentials);
    for (const type of ['application/json', 'text/plain']) {
      const headers = { ...request.headers, 'content-type': type };
      const reply = await send({
        ...request,
        headers,
        body: '{"grant_type":"client_credentials"}',
      });
      demandRefusal(reply, 'firstvision');
    }
    const long = await send({ ...request, body: `grant_type=${'x'.repeat(2_000)}` });
    assert.equal(demandRefusal(long, 'firstvision'), 'BODY_TOO_LARGE');
  });
});

describe('what is not even HTTP', () => {
  const host = 'host: x\r\n';
  const cases: Readonly<Record<string, string | Buffer>> = {
    'a greeting': `HELO ${CANARY_TEXT}\r\n\r\n`,
    'a TLS hello': Buffer.from('16030100c8010000c40303', 'hex'),
    'zero bytes': Buffer.alloc(100),
    'another version': `GET /${CANARY_TEXT} HTTP/3.0\r\n${host}\r\n`,
    'a header without a name': `POST ${CREATE} HTTP/1.1\r\n${host}: ${CANARY_PAN}\r\n\r\n`,
    'a header with a line end': `POST ${CREATE} HTTP/1.1\r\n${host}x: a\rb\r\n\r\n`,
    'two lengths': `POST ${CREATE} HTTP/1.1\r\n${host}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`,
    'a length and chunks': `POST ${CREATE} HTTP/1.1\r\n${host}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    'a length below zero': `POST ${CREATE} HTTP/1.1\r\n${host}content-length: -1\r\n\r\n`,
    'a chunk of no size': `POST ${CREATE} HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\nzz\r\n`,
    'headers of 100 KB': `GET / HTTP/1.1\r\n${host}x: ${CANARY_TEXT.repeat(10_000)}\r\n\r\n`,
    'an address of 100 KB': `GET /${CANARY_TEXT.repeat(10_000)} HTTP/1.1\r\n${host}\r\n`,
    'no host': `GET / HTTP/1.1\r\n\r\n`,
  };
  for (const [name, bytes] of Object.entries(cases)) {
    it(`(${name}) is refused without repeating it, and the next is served`, async () => {
      const answer = await sendRaw(bytes);
      if (answer !== '') assert.match(answer, /^HTTP\/1\.1 4\d\d /);
      for (const canary of [CANARY_TEXT, CANARY_PAN]) assert(!answer.includes(canary));
      assert.equal((await issuer.create()).status, 200);
    });
  }

  it('says what it is in a body with a stable code', async () => {
    const answer = await sendRaw('HELO\r\n\r\n');
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    assert.match(head, /content-type: application\/problem\+json/i);
    assert.equal(JSON.parse(body).code, 'HTTP_MALFORMED');
  });

  it('half of a body is no request: nothing is created', async () => {
    const before = tests.rows('select count(*) as n from card');
    const headers = Object.entries(await issuer.headers()).map(
      ([name, value]) => `${name}: ${value}`,
    );
    const head = [`POST ${CREATE} HTTP/1.1`, 'host: x', ...headers, 'content-length: 1000'];
    const half = '{"organizationNumber":100,"postToAccount":"1","cardNumber":""}';
    await sendRaw(`${head.join('\r\n')}\r\n\r\n${half}`);
    assert.deepEqual(tests.rows('select count(*) as n from card'), before);
    assert.doesNotMatch(tests.logText(), /unexpected error/);
  });

  it('a header that is sent twice is refused where one of its kind is meant', async () => {
    const headers = await issuer.headers();
    const body = JSON.stringify({ organizationNumber: 100, cardNumber: CANARY_PAN });
    for (const name of ['apikey', 'x-clientid']) {
      const value = [headers[name] ?? '', headers[name] ?? ''];
      const request = {
        method: 'POST',
        path: INQUIRE,
        headers: { ...headers, [name]: value },
      } as const;
      assert.equal(
        demandRefusal(await send({ ...request, body }), 'firstvision'),
        'CREDENTIALS_INVALID',
      );
    }
  });

  it('answers 404 and 405 with the same headers as everything else', async () => {
    for (const path of [VALIDATE, '/nothing']) {
      const { headers } = await send({ method: 'GET', path });
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.match(String(headers['x-request-id']), /^[0-9a-f-]{36}$/);
    }
  });
});
