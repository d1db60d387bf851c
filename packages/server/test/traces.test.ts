import assert, { deepEqual, equal, match } from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, it } from 'node:test';
import { parseConfig } from '../src/config.ts';
import { makeLog } from '../src/log.ts';
import { openService, type Service } from '../src/service.ts';
import { makeWebhook } from '../src/watch/webhook.ts';
import { INQUIRE, makeIssuerClient, unpad } from './harness/issuer-client.ts';
import { freshPan } from './harness/numbers.ts';
import { injecting } from './harness/send.ts';
import { startService } from './harness/service.ts';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { key: string; value: Record<string, string> }[];
}

/** A collector of OTLP/HTTP: what it was posted, byte for byte. */
const posted: string[] = [];
let answer = 200;
const collector = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  equal(request.headers['content-type'], 'application/json');
  if (answer === 200) posted.push(body);
  response.writeHead(answer).end('{}');
}).listen(0, '127.0.0.1');
await once(collector, 'listening');
after(() => collector.close());
const { port } = collector.address() as AddressInfo;
const traceCollector = makeWebhook(`http://127.0.0.1:${port}/v1/traces`);

const test = await startService();
const log = makeLog('error', { write: () => undefined });
const open = (tracePercent = 100) =>
  openService(test.home, log, undefined, { traceCollector, tracePercent, node: 'one' });
const clientOf = (service: Service) =>
  makeIssuerClient(
    injecting(() => service.app, test.registry),
    test.issuer.credentials,
  );

/** The spans that came since the last call. */
function takeSpans(): readonly Span[] {
  return posted.splice(0).flatMap((body) => {
    const { resourceSpans } = JSON.parse(body);
    return resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: Span[] }[] }) =>
      scopeSpans.flatMap(({ spans }) => spans),
    );
  });
}

const attributesOf = ({ attributes }: Span) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

it('a trace tells route, status, refusal and commit, and nothing of what was sent', async () => {
  const service = await open();
  const client = clientOf(service);
  const pan = freshPan();
  const created = await client.create({ cardNumber: pan, embossedName1: 'CANARY NAME' });
  const token = unpad(created.data.cardNumber);
  await client.numberOf(100, token);
  await client.tokenOf(100, freshPan());
  await client.send({ method: 'POST', path: INQUIRE, body: `{"${pan}":"${pan}"}` });
  await service.app.inject({ method: 'GET', url: `/cards/${pan}?pan=${pan}` });
  const headers = { ...(await client.headers()), authorization: `Bearer ${pan}`, apikey: pan };
  await service.app.inject({ method: 'POST', url: INQUIRE, headers, payload: '{}' });
  await service.close();

  const sent = posted.join('');
  test.registry.demandAbsent('what the collector was sent', Buffer.from(sent));
  const { apikey, secret } = client.credentials;
  const bearer = String((await client.headers()).authorization).slice(7);
  for (const value of [pan, token, apikey, secret, bearer, 'CANARY']) assert(!sent.includes(value));

  const spans = takeSpans();
  const allowed = new Set([
    ...['http.request.method', 'http.route', 'http.response.status_code'],
    ...['pantoken.action', 'pantoken.outcome', 'pantoken.refusal'],
  ]);
  for (const span of spans) {
    match(span.traceId, /^[0-9a-f]{32}$/);
    match(span.spanId, /^[0-9a-f]{16}$/);
    assert(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano));
    assert(span.attributes.every(({ key }) => allowed.has(key)));
  }
  const server = spans.filter(({ kind }) => kind === 2);
  deepEqual(
    server.map((span) => {
      const { 'pantoken.refusal': refusal, 'http.response.status_code': status } =
        attributesOf(span);
      return [span.name, status, refusal];
    }),
    [
      ['POST /token', '200', undefined],
      ['POST /cards/embosser/l8vf', '200', undefined],
      ['POST /cards/embosser/card-pan-l8v2', '200', undefined],
      ['POST /cards/embosser/card-pan-l8v2', '422', 'CARD_NUMBER_NOT_FOUND'],
      ['POST /cards/embosser/card-pan-l8v2', '422', 'ORGANIZATION_NUMBER_INVALID'],
      ['GET other', '404', 'ROUTE_UNKNOWN'],
      ['POST /cards/embosser/card-pan-l8v2', '401', 'CREDENTIALS_INVALID'],
    ],
  );
  const commits = spans.filter(({ name }) => name === 'commit');
  deepEqual(
    commits.map((span) => Object.values(attributesOf(span))),
    [
      ['create_card', 'done'],
      ['inquire_number', 'done'],
      ['inquire_token', 'refused'],
      ['inquire_number', 'refused'],
    ],
  );
  const ids = new Map(server.map(({ spanId, traceId }) => [spanId, traceId]));
  for (const { parentSpanId = '', traceId } of commits) equal(ids.get(parentSpanId), traceId);
});

it("a trace goes on from the client's, unless its ids could hold a card number", async () => {
  const service = await open();
  const ask = (traceparent: string) =>
    service.app.inject({ method: 'GET', url: '/nothing', headers: { traceparent } });
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  await ask(`00-${traceId}-00f067aa0ba902b7-01`);
  for (const hostile of [
    `00-${traceId}-5402080000000013-01`,
    '00-00000000000000005402080000000013-00f067aa0ba902b7-01',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    'x'.repeat(55),
  ]) {
    await ask(hostile);
  }
  await service.close();
  const [joined, ...others] = takeSpans();
  deepEqual([joined?.traceId, joined?.parentSpanId], [traceId, '00f067aa0ba902b7']);
  equal(others.length, 4);
  for (const span of others) {
    equal(span.parentSpanId, undefined);
    assert.notEqual(span.traceId, traceId);
  }
});

it('a collector that does not take them costs spans, and no answer', async () => {
  answer = 503;
  const service = await open();
  const client = clientOf(service);
  equal((await client.create()).status, 200);
  const watchPort = await service.watch.listen(0, '127.0.0.1');
  for (let tries = 0; ; tries++) {
    const reply = await fetch(`http://127.0.0.1:${watchPort}/metrics`);
    if (/^pantoken_spans_dropped_total [1-9]/m.test(await reply.text())) break;
    assert(tries < 200, 'spans are given up');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  equal((await client.create()).status, 200);
  await service.close();
  answer = 200;
  deepEqual(takeSpans(), []);
});

it('of a hundred requests as many are traced as is said', async () => {
  const service = await open(50);
  for (let count = 0; count < 200; count++) {
    await service.app.inject({ method: 'GET', url: '/nothing' });
  }
  await service.close();
  const traced = takeSpans().length;
  assert(traced > 40 && traced < 160, `${traced} of 200`);
});

it('the configuration names the collector and the part, or neither', () => {
  const { watch } = parseConfig({
    PANTOKEN_TRACE_URL: 'http://127.0.0.1:4318/v1/traces',
    PANTOKEN_TRACE_PERCENT: '5',
  });
  deepEqual([watch.traceUrl, watch.tracePercent], ['http://127.0.0.1:4318/v1/traces', 5]);
  equal(parseConfig({}).watch.traceUrl, undefined);
  assert.throws(() => parseConfig({ PANTOKEN_TRACE_PERCENT: '101' }), /TRACE_PERCENT/);
});
