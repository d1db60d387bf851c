import { deepEqual, equal, match } from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, afterEach, describe, it, mock } from 'node:test';
import { Refusal, type RefusalCode } from '../src/domain/error.ts';
import { firstVisionError } from '../src/http/firstvision/error.ts';
import { WholeRequest } from '../src/http/whole/whole-exchange.ts';
import { addCaller } from './harness/add-caller.ts';
import { INQUIRE, type IssuerClient, signatureHeaders } from './harness/issuer-client.ts';
import { freshPan } from './harness/numbers.ts';
import { RawConnection } from './harness/raw-connection.ts';
import { operator, startService } from './harness/service.ts';

/*
 * Inquiries come to a direct route when they come in one piece, and to Fastify's when they do not.
 * Nobody may be able to tell the difference.
 */

const test = await startService();
const { issuer, channel, stranger, registry } = test;
const pan = freshPan();
registry.add(pan);
const postToAccount = freshPan(); // A card number where masks have to be.
const token = (await issuer.create({ cardNumber: pan, postToAccount })).data.cardNumber;
const signing = await addCaller(test, { signature: 'required' });
await test.service.app.listen({ host: '127.0.0.1', port: 0 });
const { port } = test.service.app.server.address() as AddressInfo;

/** How many requests in one piece came to Fastify after all. */
const read = mock.method(WholeRequest.prototype, 'resume');
afterEach(() => read.mock.resetCalls());

interface Asking {
  readonly by?: IssuerClient;
  readonly fields?: object;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Told {
  readonly status: string;
  readonly head: readonly string[];
  readonly body: string;
  /** What the audit log says of it. */
  readonly records: readonly unknown[];
}

async function ask(
  { by = issuer, fields, text, headers }: Asking,
  isWhole: boolean,
): Promise<Told> {
  const body = text ?? JSON.stringify({ organizationNumber: 100, cardNumber: token, ...fields });
  const given = Object.entries({ ...(await by.headers()), ...headers });
  const lines = given
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value}`);
  const before = test.audit().length;
  const connection = new RawConnection(port);
  after(() => connection.socket.destroy());
  const answer = await connection.ask([`POST ${INQUIRE} HTTP/1.1`, ...lines], body, isWhole);
  const [head = '', told = ''] = answer.split('\r\n\r\n');
  registry.addFromJson(told);
  const [status = '', ...fieldsOfAnswer] = head.split('\r\n');
  return {
    status,
    head: fieldsOfAnswer
      .map((line) => line.toLowerCase())
      .filter((line) => !/^(?:date|x-request-id|connection|keep-alive):/.test(line))
      .sort(),
    body: told,
    records: test
      .audit()
      .slice(before)
      .map(({ atMs, requestId, ...record }) => record),
  };
}

/** Both ways. @returns what both were told. */
async function askBothWays(asking: Asking): Promise<Told> {
  const short = await ask(asking, true);
  const long = await ask(asking, false);
  deepEqual(short, long);
  return short;
}

// An access token that was not seen before is Fastify's.
for (const by of [issuer, channel, stranger, signing]) await ask({ by, fields: {} }, false);

describe('inquiries that are answered', () => {
  const cases: Readonly<Record<string, Asking>> = {
    'a token': { fields: { functionType: 'P' } },
    'a number': { fields: { functionType: 'C', cardNumber: pan } },
    'a number, for who may see none': { by: channel, fields: { cardNumber: pan } },
    'all fields': { fields: { functionType: 'P', cardSequence: 1 } },
    'another spelling of JSON': {
      text: ` {"cardNumber" : "${token}",\n"organizationNumber":1e2, "functionType":"\\u0050"}`,
    },
  };
  for (const [name, asking] of Object.entries(cases)) {
    it(`${name}: alike, and without Fastify when they come in one piece`, async () => {
      const { status, records } = await askBothWays(asking);
      equal(status, 'HTTP/1.1 200 OK');
      equal(records.length, 1);
      equal(read.mock.callCount(), 0);
    });
  }
});

describe('inquiries that are refused', () => {
  const cases: Readonly<Record<string, readonly [Asking, RefusalCode]>> = {
    'a number for who may see none': [
      { by: channel, fields: { functionType: 'P' } },
      'NUMBER_FORBIDDEN',
    ],
    'another organization': [
      { by: stranger, fields: { cardNumber: pan } },
      'ORGANIZATION_NOT_FOUND',
    ],
    'an unknown number': [{ fields: { cardNumber: freshPan() } }, 'CARD_NUMBER_NOT_FOUND'],
    'no number at all': [{ fields: { cardNumber: '' } }, 'CARD_NUMBER_BLANK'],
    'an unknown sequence': [{ fields: { functionType: 'P', cardSequence: 7 } }, 'CARD_NOT_FOUND'],
    'an unknown field': [{ fields: { name: 'a' } }, 'REQUEST_INVALID'],
    'a name of every object': [{ fields: { constructor: 1 } }, 'REQUEST_INVALID'],
    'a field twice': [
      { text: `{"organizationNumber":100,"cardNumber":"1","cardNumber":"${token}"}` },
      'BODY_DUPLICATE_KEY',
    ],
    'no JSON': [{ text: '{' }, 'BODY_NOT_JSON'],
    'no apikey': [{ headers: { apikey: '' } }, 'CREDENTIALS_INVALID'],
    'another client id': [{ headers: { 'x-clientid': 'a' } }, 'CREDENTIALS_INVALID'],
    'no access token': [{ headers: { authorization: '' } }, 'ACCESS_TOKEN_INVALID'],
    'a long request id': [{ headers: { 'x-client-request-id': 'a'.repeat(41) } }, 'HEADER_INVALID'],
    'no signature': [{ by: signing }, 'SIGNATURE_REQUIRED'],
    'a wrong signature': [
      { by: signing, headers: signatureHeaders(signing.credentials, '{}') },
      'SIGNATURE_INVALID',
    ],
  };
  for (const [name, [asking, code]] of Object.entries(cases)) {
    it(`${name}: alike, in the form of their face and on record alike`, async () => {
      const told = await askBothWays(asking);
      const expected = firstVisionError(new Refusal(code), INQUIRE);
      match(told.status, new RegExp(` ${expected.status} `));
      equal(JSON.parse(told.body).errors[0].code, expected.code);
    });
  }

  it('by a use case are told under the id of their record', async () => {
    const before = test.audit().length;
    const connection = new RawConnection(port);
    after(() => connection.socket.destroy());
    const head = Object.entries(await channel.headers()).map(
      ([name, value]) => `${name}: ${value}`,
    );
    const body = JSON.stringify({ organizationNumber: 100, cardNumber: token, functionType: 'P' });
    const text = await connection.ask([`POST ${INQUIRE} HTTP/1.1`, ...head], body);
    const records = test.audit().slice(before);
    equal(records.length, 1);
    match(text, new RegExp(`x-request-id: ${records[0]?.requestId}\r\n`));
    equal(read.mock.callCount(), 0, 'its body was read once');
  });
});

describe('a signed inquiry', () => {
  const body = JSON.stringify({ organizationNumber: 100, cardNumber: token, functionType: 'P' });

  for (const [first, second] of [
    [true, true],
    [true, false],
    [false, true],
  ] as const) {
    it(`is answered once, whichever ways it comes (${first}, ${second})`, async () => {
      const headers = signatureHeaders(signing.credentials, body);
      const asking = { by: signing, text: body, headers };
      const answered = await ask(asking, first);
      equal(answered.status, 'HTTP/1.1 200 OK');
      const replayed = await ask(asking, second);
      match(replayed.body, /"code":"REQUEST_REPLAYED"/);
      equal(replayed.records.length, 1);
      equal(read.mock.callCount(), 0);
    });
  }

  it('of any flipped byte is refused', async () => {
    const headers = signatureHeaders(signing.credentials, body);
    for (let at = 0; at < body.length; at++) {
      const flipped = String.fromCharCode(body.charCodeAt(at) ^ 1);
      const text = body.slice(0, at) + flipped + body.slice(at + 1);
      const told = await ask({ by: signing, text, headers }, true);
      match(told.status, / 40[01] /, text);
    }
    equal((await ask({ by: signing, text: body, headers }, true)).status, 'HTTP/1.1 200 OK');
  });
});

describe('the harness of all other tests', () => {
  it('sends its inquiries in one piece, so that they go the direct way', async () => {
    const before = read.mock.callCount();
    const { server } = test.service.app;
    const byNode = mock.fn();
    server.on('request', byNode);
    equal((await issuer.tokenOf(100, pan)).status, 200);
    server.off('request', byNode);
    deepEqual([byNode.mock.callCount(), read.mock.callCount() - before], [0, 0]);
  });
});

describe('a caller that is disabled', () => {
  it('is refused on a connection that it has', async () => {
    const caller = await addCaller(test);
    const lines = Object.entries(await caller.headers()).map(
      ([name, value]) => `${name}: ${value}`,
    );
    const head = [`POST ${INQUIRE} HTTP/1.1`, ...lines];
    const body = JSON.stringify({ organizationNumber: 100, cardNumber: token, functionType: 'P' });
    const connection = new RawConnection(port);
    after(() => connection.socket.destroy());
    for (const count of [1, 2])
      match(await connection.ask(head, body), /^HTTP\/1\.1 200 /, `${count}`);
    await test.service.disableCaller(operator, caller.name);
    match(await connection.ask(head, body), /"code":"CREDENTIALS_INVALID"/);
  });
});
