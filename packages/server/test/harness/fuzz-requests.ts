import fc from 'fast-check';
import { type Operation, readOperations, type Schema } from './fuzz-operations.ts';
import { tokenRequest } from './issuer-client.ts';
import { panOf } from './numbers.ts';
import type { Request } from './send.ts';
import type { TestService } from './service.ts';

/** A request, and whether the client certificate of the schemes is shown where there is TLS. */
export interface FuzzRequest extends Request {
  readonly showsCertificate?: boolean;
}

/** Card numbers, tokens and what looks like them, with names that are seen nowhere else. */
export interface FuzzMaterial {
  readonly tokens: readonly string[];
  readonly pans: readonly string[];
  /** Of the paths that schemes push to. */
  readonly secrets: readonly string[];
  /** Bodies of pushes, of all kinds. */
  readonly pushes: readonly string[];
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
  if (names.length === 0) {
    return fc.oneof(fc.constant('{}'), fc.json(), fc.constantFrom(...material.pushes));
  }
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
): Promise<fc.Arbitrary<{ operation: Operation; request: FuzzRequest }>> {
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
    const junk = fc.constantFrom('0', '5402080000000013', '%00', 'a'.repeat(300));
    const path = fc
      .tuple(fc.oneof(fc.uuid(), junk), fc.oneof(fc.constantFrom(...material.secrets), junk))
      .map(([id, secret]) =>
        operation.path.replace('{panid}', id.replaceAll('-', '')).replace('{secret}', secret),
      );
    const body = bodyOf(operation, material);
    const showsCertificate = fc.boolean();
    return fc.record({ headers, body, path, showsCertificate }).map((sent) => ({
      operation,
      request: { method: operation.method, ...sent } as FuzzRequest,
    }));
  });
}
