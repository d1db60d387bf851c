import assert, { deepEqual, equal } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LOOPBACK_TRANSPORT } from '../src/http/transport.ts';
import { makeLog } from '../src/log.ts';
import { openService } from '../src/service.ts';
import { INQUIRE, makeIssuerClient, tokenRequest, unpad } from './harness/issuer-client.ts';
import type { Request } from './harness/send.ts';
import { fetching } from './harness/send.ts';
import { startService } from './harness/service.ts';

/*
 * Threat 12 of SECURITY.md: what one client sends, the others do not feel. How long they wait is a matter
 * of `npm run bench:flood`; here it is whether they are answered.
 */

const test = await startService();
const token = unpad((await test.issuer.create()).data.cardNumber);
const asked = JSON.stringify({ organizationNumber: 100, cardNumber: token, functionType: 'P' });

/** Half of the places may be held by one caller, and so many requests come at once; the clock stands. */
const REQUESTS_MAX = 20;
const AT_ONCE = 200;
const nowMs = Date.now();
const lines: string[] = [];
const log = makeLog('info', { write: (line: string) => void lines.push(line) });
const node = await openService(
  test.home,
  log,
  { nowMs: () => nowMs },
  {
    transport: { ...LOOPBACK_TRANSPORT, requestsMax: REQUESTS_MAX },
    requestsPerMinute: 6 * AT_ONCE,
  },
);
await node.app.listen({ host: '127.0.0.1', port: 0 });
after(() => node.close());
const { port } = node.app.server.address() as AddressInfo;
const send = fetching(`http://127.0.0.1:${port}`, test.registry);
const signedIn = (name: 'issuer' | 'channel' | 'manager') =>
  makeIssuerClient(send, test[name].credentials);
const good = signedIn('issuer');

const GOOD_COUNT = 20;

/** Every request of the good caller is answered with its number, one after the other. */
async function demandServed(): Promise<void> {
  for (let count = 0; count < GOOD_COUNT; count++) {
    equal((await good.numberOf(100, token)).status, 200);
  }
}

/** Sends from several connections at once until the work beside it is done; counts the answers. */
async function beside(
  request: Request,
  connections: number,
  work: (counts: Readonly<Record<string, number>>) => Promise<void>,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  let isOver = false;
  const flooding = Array.from({ length: connections }, async () => {
    while (!isOver) {
      const { status, text } = await send(request);
      const code = status === 200 ? '' : ` ${JSON.parse(text).errors[0].code}`;
      counts[status + code] = (counts[status + code] ?? 0) + 1;
    }
  });
  try {
    await work(counts);
  } finally {
    isOver = true;
  }
  await Promise.all(flooding);
  return counts;
}

/** Requests of which all but the end of the body comes. */
function openUnfinished(count: number, { path, headers = {} }: Request): readonly Socket[] {
  const text = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 999\r\n${text.join('')}\r\n`;
  return Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write(`${head}{`);
    return socket;
  });
}

/** The statuses the connections are answered with, of those that are answered; they are closed then. */
async function answersOf(sockets: readonly Socket[], atLeast: number): Promise<readonly string[]> {
  const answers = new Map<Socket, string>();
  await new Promise<void>((resolve) => {
    for (const socket of sockets) {
      socket.on('data', (chunk) => {
        answers.set(socket, (answers.get(socket) ?? '') + chunk);
        if (answers.size >= atLeast) resolve();
      });
    }
  });
  return [...answers.values()].map((text) => text.slice(9, 12));
}

const recordsOf = (code: string) => test.audit().filter((each) => each.code === code).length;

describe('beside a caller that asks more than it may, every request of another is answered', () => {
  it('and the flood is told 429, with one record of it', async () => {
    const flooder = signedIn('channel');
    const headers = await flooder.headers();
    const request = { method: 'POST', path: INQUIRE, headers, body: asked } as const;
    const counts = await beside(request, 8, async (soFar) => {
      for (let round = 0; round < 4; round++) {
        await demandServed();
        if (soFar['429 RATE_EXCEEDED'] !== undefined) return;
      }
    });
    deepEqual(Object.keys(counts).sort(), ['403 NUMBER_FORBIDDEN', '429 RATE_EXCEEDED']);
    equal(counts['403 NUMBER_FORBIDDEN'], AT_ONCE);
    equal(recordsOf('RATE_EXCEEDED'), 1);
  });

  it('when it holds connections open with bodies that do not end, which is on record once', async () => {
    const recorded = recordsOf('RATE_EXCEEDED');
    const headers = await signedIn('manager').headers();
    const share = REQUESTS_MAX / 2;
    const sockets = openUnfinished(REQUESTS_MAX * 3, { method: 'POST', path: INQUIRE, headers });
    const answers = await answersOf(sockets, sockets.length - share);
    assert(answers.includes('429'));
    assert(
      answers.every((status) => status === '429' || status === '503'),
      answers.join(),
    );
    await demandServed();
    equal(recordsOf('RATE_EXCEEDED') - recorded, 1);
    for (const socket of sockets) socket.destroy();
    // Gone, they hold nothing.
    const request = { method: 'GET', path: '/v1/callers', headers } as const;
    let reply = await send(request);
    for (let tries = 0; reply.status !== 200; tries++) {
      assert(tries < 1_000, reply.text);
      reply = await send(request);
    }
  });
});

describe('beside a stranger, every request of a caller is answered', () => {
  it('and bodies that do not end hold no place', async () => {
    const { headers = {} } = tokenRequest(test.issuer.credentials);
    const wrong = { ...headers, authorization: `Basic ${btoa(`${headers.apikey}:guessed`)}` };
    const json = { 'content-type': 'application/json' };
    const sockets = [
      ...openUnfinished(REQUESTS_MAX * 2, { method: 'POST', path: '/token', headers: wrong }),
      ...openUnfinished(REQUESTS_MAX * 2, { method: 'POST', path: INQUIRE, headers: json }),
      ...openUnfinished(REQUESTS_MAX * 2, { method: 'POST', path: '/v1/callbacks/visa' }),
    ];
    await demandServed();
    const answers = await answersOf(sockets, sockets.length);
    // All at once they are more than may be under way: some are shed before they are looked at.
    assert(
      answers.every((status) => ['401', '404', '503'].includes(status)),
      answers.join(),
    );
    for (const socket of sockets) socket.destroy();
  });

  it('and guessed credentials leave neither records, nor a line each, nor memory', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const headers = await good.headers();
    const guess = () => randomBytes(475).toString('hex');
    /** What a guesser may change: the apikey, the access token, and the secret. */
    const guesses: readonly (() => Request)[] = [
      () => ({
        method: 'POST',
        path: INQUIRE,
        headers: { ...headers, apikey: guess().slice(0, 80) },
      }),
      () => ({
        method: 'POST',
        path: INQUIRE,
        headers: { ...headers, authorization: `Bearer ${guess()}` },
      }),
      () => {
        const { apikey = '' } = headers;
        const authorization = `Basic ${btoa(`${apikey}:${guess()}`)}`;
        return { method: 'POST', path: '/token', headers: { apikey, authorization } };
      },
    ];
    const flood = async (count: number) => {
      for (let index = 0; index < count; index++) {
        const { method, path: url, headers: given = {} } = guesses[index % 3]?.() ?? assert.fail();
        const reply = await node.app.inject({
          method: method as 'POST',
          url,
          headers: { ...given },
        });
        equal(reply.statusCode, 401);
      }
      await demandServed();
      collect();
      return process.memoryUsage().heapUsed;
    };
    const recordCount = test.audit().length;
    const before = await flood(4_500);
    const lineCount = lines.length;
    const grown = (await flood(18_000)) - before;
    assert.equal(lines.length, lineCount);
    equal(test.audit().length, recordCount + 2 * GOOD_COUNT);
    // Of each kind 6,000 guesses of 950 characters would be nearly 6 MB.
    assert(grown < 1_500_000, `${grown} bytes`);
  });
});
