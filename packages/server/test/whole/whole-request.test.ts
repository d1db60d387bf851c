import { deepEqual, equal, ok } from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { findWholeHead } from '../../src/http/whole/whole-request.ts';

/*
 * What the short way takes for a request is what Node's own parser makes of the same bytes: one
 * request, of the same path, headers and body, and nothing behind it. Whoever stands before us and
 * looked at the request the way Node does looked at the same one.
 */

interface Read {
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** What Node reads; a second request, or bytes that are none, are in the list, too. */
const seen = new Map<string, (Read | 'broken')[]>();
const node = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { url = '', headers } = request;
    listOf(request.socket.remotePort).push({ url, headers, body: String(Buffer.concat(chunks)) });
    response.end();
  });
});
node.on('clientError', (_error, socket) => {
  listOf((socket as { remotePort?: number }).remotePort).push('broken');
  socket.destroy();
});
await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
after(() => node.close());

function listOf(port: number | undefined): (Read | 'broken')[] {
  const list = seen.get(String(port)) ?? [];
  seen.set(String(port), list);
  return list;
}

/** All that Node makes of some bytes on a connection of their own. */
async function readByNode(bytes: Buffer): Promise<readonly (Read | 'broken')[]> {
  const { port } = node.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject).once('connect', () => resolve());
  });
  const own = String(socket.localPort);
  seen.delete(own);
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.resume();
  socket.end(bytes); // Node looks at what is left over when the client has ended its half.
  await ended;
  return seen.get(own) ?? [];
}

const HEAD = [
  'Host: localhost',
  'apikey: A1',
  'X-ClientID: bench',
  'Content-Type: application/json',
];

const plain = fc.record({
  url: fc.constantFrom('/cards/embosser/card-pan-l8v2', '/api/cu/validatepan', '/', '/v1/a_b-c'),
  lines: fc.shuffledSubarray(HEAD, { minLength: 0, maxLength: HEAD.length }),
  body: fc.constantFrom('{}', '{"cardNumber":"4111"}', '{"a":"\r\n\r\n"}', 'x'.repeat(1000)),
});

/** Things that make a request another one, or none, for one reader or for all. */
const oddLine = fc.constantFrom(
  ...[
    'Transfer-Encoding: chunked',
    'Content-Length: 2',
    'content-length: 3',
    'Content-Length: 2, 2',
  ],
  ...['Connection: close', 'Connection: keep-alive', 'Connection: Upgrade', 'Upgrade: h2c'],
  ...['Expect: 100-continue', 'TE: trailers', 'Trailer: a', 'apikey: B2', 'Host: other', 'X: '],
  ...[
    'X:1',
    'X : 1',
    ' X: 1',
    'X: 1 ',
    'X:  1',
    'X: a\tb',
    'X: a  b',
    'X',
    ': 1',
    'X: é',
    'X: \u0000',
  ],
  ...['__proto__: 1', 'constructor: 1', 'X: a\nY: b', 'X: a\r', 'X: a\rY: b', 'X_Y: 1', '"X": 1'],
  ...['Keep-Alive: timeout=5', 'Proxy-Connection: close', 'content-length : 2', '\u0001: 1'],
);

const mutation = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('none' as const) }), weight: 2 },
  {
    arbitrary: fc.record({ kind: fc.constant('line' as const), line: oddLine, at: fc.nat(5) }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('byte' as const),
      at: fc.nat(400),
      byte: fc.constantFrom(0, 1, 9, 10, 13, 32, 34, 37, 48, 49, 58, 63, 65, 95, 127, 128, 255),
    }),
    weight: 8,
  },
  { arbitrary: fc.record({ kind: fc.constant('cut' as const), count: fc.nat(60) }), weight: 1 },
  {
    arbitrary: fc.record({
      kind: fc.constant('more' as const),
      text: fc.constantFrom(' ', '\r\n', '\0', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', '{}'),
    }),
    weight: 1,
  },
);

function bytesOf(
  { url, lines, body }: { url: string; lines: readonly string[]; body: string },
  change: typeof mutation extends fc.Arbitrary<infer T> ? T : never,
): Buffer {
  const head = [...lines, `Content-Length: ${Buffer.byteLength(body)}`];
  if (change.kind === 'line') head.splice(change.at, 0, change.line);
  const text = `POST ${url} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${body}`;
  const bytes = Buffer.from(text, 'latin1');
  if (change.kind === 'byte' && change.at < bytes.length) bytes[change.at] = change.byte;
  if (change.kind === 'cut') return bytes.subarray(0, bytes.length - change.count);
  if (change.kind === 'more') return Buffer.concat([bytes, Buffer.from(change.text)]);
  return bytes;
}

describe('a whole request', () => {
  it('is what Node reads in the same bytes, or is left to Node', async () => {
    let takenCount = 0;
    let leftCount = 0;
    await fc.assert(
      fc.asyncProperty(plain, mutation, async (request, change) => {
        const bytes = bytesOf(request, change);
        const head = findWholeHead(bytes, undefined);
        if (head === undefined) {
          leftCount++;
          return;
        }
        takenCount++;
        const { url, headers, contentLength } = head;
        const body = String(bytes.subarray(bytes.length - contentLength));
        deepEqual(await readByNode(bytes), [{ url, headers: { ...headers }, body }]);
      }),
      { numRuns: 2_000 },
    );
    // Neither side may be empty: the property would hold for a parser that takes nothing.
    ok(takenCount > 300, `${takenCount} taken`);
    ok(leftCount > 300, `${leftCount} left`);
  });

  it('reads alike whatever came before it on its connection', () => {
    fc.assert(
      fc.property(plain, plain, mutation, (before, request, change) => {
        const last = findWholeHead(bytesOf(before, { kind: 'none' }), undefined);
        const bytes = bytesOf(request, change);
        const [behind, alone] = [findWholeHead(bytes, last), findWholeHead(bytes, undefined)];
        deepEqual(behind && { ...behind }, alone && { ...alone });
      }),
      { numRuns: 2_000 },
    );
  });

  const usual = `POST /v1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}`;

  it('of the plain form is taken', () => {
    equal(findWholeHead(Buffer.from(usual), undefined)?.url, '/v1');
  });

  it('that somebody could read in another way is left', () => {
    const odd = {
      'another method': usual.replace('POST', 'PUT'),
      'another version': usual.replace('1.1', '1.0'),
      'a query': usual.replace('/v1', '/v1?a=1'),
      'an escape': usual.replace('/v1', '/%76%31'),
      'a whole address': usual.replace('/v1', 'http://a/v1'),
      'no host': usual.replace('Host: a\r\n', ''),
      'a host twice': usual.replace('Host: a', 'Host: a\r\nhost: a'),
      'no length': usual.replace('Content-Length: 2\r\n', ''),
      'a length with a sign': usual.replace(': 2', ': +2'),
      'a length with a nought': usual.replace(': 2', ': 02'),
      'two lengths': usual.replace(': 2', ': 2\r\nContent-Length: 2'),
      'a transfer coding': usual.replace('Host', 'Transfer-Encoding: chunked\r\nHost'),
      'a folded line': usual.replace('Host: a', 'Host: a\r\n b'),
      'bare line feeds': usual.replaceAll('\r\n', '\n'),
      'less than its body': usual.slice(0, -1),
      'more than its body': `${usual} `,
      'a name of every object': usual.replace('Host', 'toString: 1\r\n__proto__: 1\r\nHost'),
    };
    for (const [name, text] of Object.entries(odd)) {
      equal(findWholeHead(Buffer.from(text), undefined), undefined, name);
    }
  });
});
