import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { luhnResidue } from '@pantoken/pan-token';
import fc from 'fast-check';
import { Compile } from 'typebox/schema';
import { OPENAPI_DOC } from '../../scripts/openapi-doc.ts';
import { makeGoodRequests } from './fuzz-good.ts';
import { makeIssuerClient, tokenRequest } from './issuer-client.ts';
import { panOf } from './numbers.ts';
import type { Reply, Request } from './send.ts';
import type { TestService } from './service.ts';

/** As much of JSON Schema as the document uses. */
interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Operation {
  readonly method: Request['method'];
  readonly path: string;
  readonly contentType: string;
  readonly body: Schema;
  /** By status. */
  readonly answers: Readonly<Record<string, (value: unknown) => boolean>>;
}

/** The operations of docs/openapi.json, their answers ready to be checked. */
export function readOperations(): readonly Operation[] {
  const { paths } = JSON.parse(readFileSync(OPENAPI_DOC, 'utf8')) as {
    paths: Record<
      string,
      Record<string, { requestBody?: Content; responses: Record<string, Content> }>
    >;
  };
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { requestBody, responses }]) => {
      const [[contentType, { schema: body }] = ['', { schema: {} }]] = Object.entries(
        requestBody?.content ?? {},
      );
      const answers = Object.entries(responses).map(([status, { content }]) => {
        const schema = Object.values(content ?? {})[0]?.schema ?? {};
        const compiled = Compile(schema as never);
        return [status, (value: unknown) => compiled.Check(value)];
      });
      return {
        method: method.toUpperCase() as Request['method'],
        path,
        contentType,
        body,
        answers: Object.fromEntries(answers),
      };
    }),
  );
}

/** Card numbers, tokens and what looks like them, with names that are seen nowhere else. */
export interface FuzzMaterial {
  readonly tokens: readonly string[];
  readonly pans: readonly string[];
}

const digitsOf = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength, maxLength });

/** Fields that something is looked up or made with are worth more than random text. */
function fieldArbitrary(name: string, material: FuzzMaterial): fc.Arbitrary<unknown> | undefined {
  switch (name) {
    case 'organizationNumber':
      return fc.constantFrom(100, 200, 300, 400, 998, 0, 999, -1, 1e9);
    case 'cardNumber':
    case 'pan':
      return fc.oneof(
        fc.constantFrom(...material.tokens, ...material.pans),
        fc.constantFrom(...material.pans.map((pan) => pan.padStart(19, '0'))),
        fc.constantFrom('', '0'.repeat(19), ' '.repeat(19), '５４０２０８', '5402e08'),
        fc.integer({ min: 0, max: 99_999 }).map((account) => panOf('540208', 800_000 + account)),
        digitsOf(0, 33),
        fc.string({
          unit: fc.constantFrom(...'0123456789ABCDEFabcdef'),
          minLength: 32,
          maxLength: 32,
        }),
      );
    // Echoed as they are: short, so that chance makes no card number of them.
    case 'postToAccount':
    case 'customerNumber':
      return fc.oneof(digitsOf(0, 11), fc.string({ maxLength: 11 }));
    case 'merchantid':
      return fc.oneof(fc.string({ maxLength: 40 }), digitsOf(32, 32));
    case 'expmonth':
      return fc.constantFrom('01', '12', '13', '1', '');
    case 'expyear':
      return fc.constantFrom('2030', '1999', '30', '');
    default:
      return undefined;
  }
}

function arbitraryOf(schema: Schema, name: string, material: FuzzMaterial): fc.Arbitrary<unknown> {
  const known = fieldArbitrary(name, material);
  if (known !== undefined) return known;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) {
    return fc.oneof(...schema.anyOf.map((each) => arbitraryOf(each, name, material)));
  }
  switch (schema.type) {
    case 'object':
      return objectOf(schema, material);
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9 });
    case 'string': {
      const { minLength = 0, maxLength = 30 } = schema;
      return fc.string({ minLength, maxLength: Math.min(maxLength, 40), unit: 'binary' });
    }
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objectOf(
  { properties = {}, required = [] }: Schema,
  material: FuzzMaterial,
): fc.Arbitrary<Record<string, unknown>> {
  // Of the many fields that are taken and ignored a few are enough.
  const ignored = Object.entries(properties).filter(([, each]) => Object.keys(each).length === 0);
  const left = new Set(ignored.slice(4).map(([name]) => name));
  const entries = Object.entries(properties).filter(([name]) => !left.has(name));
  const fields = entries.map(([name, each]) => [name, arbitraryOf(each, name, material)]);
  return fc.record(Object.fromEntries(fields), {
    requiredKeys: [...required] as never[],
  }) as never;
}

/** A body as its schema says, or spoilt in one of the ways bodies are. */
function bodyOf(operation: Operation, material: FuzzMaterial): fc.Arbitrary<string | Buffer> {
  const good = objectOf(operation.body, material);
  const names = Object.keys(operation.body.properties ?? {});
  if (names.length === 0) return fc.oneof(fc.constant('{}'), fc.json());
  const asText = (value: unknown) =>
    operation.contentType.includes('form')
      ? String(new URLSearchParams(Object.entries(value as object).map(formField)))
      : JSON.stringify(value);
  return fc.oneof(
    { weight: 8, arbitrary: good.map(asText) },
    {
      weight: 4, // One field of another kind.
      arbitrary: fc
        .tuple(good, fc.constantFrom(...names), fc.jsonValue({ maxDepth: 3 }))
        .map(([body, name, value]) => asText({ ...body, [name]: value })),
    },
    {
      weight: 2, // A field nobody knows, `__proto__` among them.
      arbitrary: fc
        .tuple(good, fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '')))
        .map(([body, name]) => asText(Object.fromEntries([...Object.entries(body), [name, 1]]))),
    },
    { weight: 1, arbitrary: good.map((body) => asText(body).replace('{', '{"a":1,"a":1,')) },
    { weight: 1, arbitrary: good.map((body) => asText(body).slice(0, -3)) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  );
}

/** What is no text has none of its own: an object may bring a `toString` that is none. */
const formField = ([name, value]: [string, unknown]): [string, string] => [
  name,
  typeof value === 'string' ? value : JSON.stringify(value),
];

/** Header values that HTTP can carry. */
const headerText = fc.string({ unit: fc.constantFrom(...'abcXYZ019+/=:;,()" .-_'), maxLength: 60 });

/** Requests from the document: some as it says, some spoilt in body, headers or credentials. */
export async function makeRequestArbitrary(
  { issuer, channel, manager, merchant }: TestService,
  material: FuzzMaterial,
): Promise<fc.Arbitrary<{ operation: Operation; request: Request }>> {
  const clients = [await issuer.headers(), await channel.headers(), await manager.headers()];
  const credentials: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>> = {
    '/token': [issuer, channel].map((each) => tokenRequest(each.credentials).headers as never),
  };
  return fc.constantFrom(...readOperations()).chain((operation) => {
    const ofMerchant = operation.path.startsWith('/api/cu/') ? [merchant.headers()] : clients;
    const good = credentials[operation.path] ?? ofMerchant;
    const extra = fc.dictionary(
      fc.constantFrom(
        'signature',
        'signature-input',
        'content-digest',
        'timestamp',
        'accept',
        'x-client-request-id',
        'x-forwarded-for',
        'apikey',
        'authorization',
        'content-type',
      ),
      headerText,
      { maxKeys: 2 },
    );
    const headers = fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...good) },
      {
        weight: 2,
        arbitrary: fc.tuple(fc.constantFrom(...good), extra).map(([a, b]) => ({ ...a, ...b })),
      },
      { weight: 1, arbitrary: extra },
    );
    const path = fc
      .oneof(fc.uuid(), fc.constantFrom('0', '5402080000000013', '%00', 'a'.repeat(300)))
      .map((each) => operation.path.replace('{panid}', each.replaceAll('-', '')));
    const body = bodyOf(operation, material);
    return fc.record({ headers, body, path }).map((sent) => ({
      operation,
      request: { method: operation.method, ...sent } as Request,
    }));
  });
}

/** Fields that hold what the caller sent, moments and ids: chance makes card numbers of them. */
const UNRELATED = new Set([
  ...['accountNumber', 'customerNumber', 'embosserName1', 'embosserName2', 'issued_at'],
  ...['atMs', 'chain', 'who', 'untilMs', 'next', 'panid', 'panids', 'reference'],
  ...['correlationID', 'requestId', 'x-request-id', 'access_token', 'encdata'],
]);

/**
 * Checks one answer: no failure of ours, one of the answers the document promises, and no card number
 * but to the one who may see it.
 */
export function checkAnswer(operation: Operation, reply: Reply, mayHoldNumber: boolean): void {
  assert(reply.status < 500, `${operation.path} answered ${reply.status}: ${reply.text}`);
  const isAsPromised = operation.answers[reply.status];
  assert(isAsPromised, `${operation.path} answers ${reply.status}, which is not documented`);
  const value: unknown = JSON.parse(reply.text);
  assert(isAsPromised(value), `${operation.path}, ${reply.status}: not of its schema`);
  if (mayHoldNumber) return;
  const shown = JSON.stringify(value, leaveOut);
  for (const text of [shown, JSON.stringify(reply.headers, leaveOut)]) {
    for (const [run] of text.matchAll(/[0-9]{12,}/g)) {
      const digits = run.replace(/^0+/, '');
      const isNumber = digits.length >= 12 && digits.length <= 19 && luhnResidue(digits) === 0;
      assert(!isNumber, `${operation.path}: a card number is shown`);
    }
  }
}

function leaveOut(name: string, value: unknown): unknown {
  return UNRELATED.has(name) ? undefined : value;
}

/** Of one operation: how often each status came, and to requests that were meant to be good. */
export interface FuzzCounts {
  readonly all: Record<string, number>;
  readonly good: Record<string, number>;
}

/** One half is made to be good, the other half to be anything the document allows or does not. */
export async function fuzz(
  given: TestService,
  count: number,
  seed: number,
): Promise<Readonly<Record<string, FuzzCounts>>> {
  // Clients of their own: an access token is good for a quarter of an hour.
  const renewed = (name: 'issuer' | 'channel' | 'manager') =>
    makeIssuerClient(given.send, given[name].credentials);
  const test: TestService = {
    ...given,
    issuer: renewed('issuer'),
    channel: renewed('channel'),
    manager: renewed('manager'),
  };
  const good = await makeGoodRequests(test);
  const anything = await makeRequestArbitrary(test, good);
  const { apikey } = test.issuer.credentials;
  const counts: Record<string, FuzzCounts> = {};
  const isGood = fc.boolean();
  await fc.assert(
    fc.asyncProperty(anything, isGood, fc.nat(), async (made, wantsGood, choice) => {
      const { operation } = made;
      const name = `${operation.method} ${operation.path}`;
      const meant = wantsGood ? await good.of(name, choice) : undefined;
      const request = meant ?? made.request;
      const reply = await test.send(request);
      good.learn(name, request, reply);
      const isCertified = request.headers?.apikey === apikey;
      const isNumberAsked = /"functionType":"P"/.test(String(request.body));
      // A merchant is told which of the cards it sent each result is of.
      const isEcho = operation.path === '/api/cu/addwatchlist';
      const isDue = isEcho || (isCertified && isNumberAsked);
      checkAnswer(operation, reply, isDue && reply.status === 200);
      counts[name] ??= { all: {}, good: {} };
      const { all, good: ofGood } = counts[name];
      all[reply.status] = (all[reply.status] ?? 0) + 1;
      if (meant !== undefined) ofGood[reply.status] = (ofGood[reply.status] ?? 0) + 1;
    }),
    { numRuns: count, seed, endOnFailure: true },
  );
  return counts;
}

/** Of all requests the part that was answered 200, by operation. */
export function shareOfGood(counts: Readonly<Record<string, FuzzCounts>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, { all }]) => {
      const sum = Object.values(all).reduce((a, b) => a + b, 0);
      return [name, Math.round(((all['200'] ?? 0) / sum) * 100)];
    }),
  );
}
