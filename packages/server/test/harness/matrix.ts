import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { OPENAPI_DOC } from '../../scripts/openapi-doc.ts';
import type { Right } from '../../src/domain/caller.ts';
import { addCaller } from './add-caller.ts';
import { freshPan } from './numbers.ts';
import type { Reply, Request } from './send.ts';
import { operator, startService, type TestService } from './service.ts';

/*
 * Every route, asked by everybody who may come: exactly the answers that are expected, and no card
 * number where none may be. The service is scanned once more, log and database, when a file ends.
 */

/** The files of test/matrix, and the paths of the OpenAPI document that each has to ask. */
export const MATRIX_PARTS = {
  firstvision: /^\/(?:token$|cards\/)/,
  cardtokens: /^\/api\/cu\//,
  v1: /^\/v1\/(?!callbacks\/)/,
  callbacks: /^\/v1\/callbacks\//,
} as const;

export type MatrixPart = keyof typeof MATRIX_PARTS;

export type Headers = Readonly<Record<string, string>>;

/** Status and code. */
export type Expected = readonly [number, string | undefined];

export const OUT = [401, 'CREDENTIALS_INVALID'] as const;
export const NO_TOKEN = [401, 'ACCESS_TOKEN_INVALID'] as const;
export const NO_RIGHT = [403, 'RIGHT_MISSING'] as const;
export const DONE = [200, undefined] as const;

/** By role; what does not depend on the route is said once. */
export function expectedOf(forRights: Expected, foreign: string, channelGets: Expected) {
  return {
    'no credential': OUT,
    'wrong apikey': OUT,
    'wrong client id': OUT,
    'wrong access token': NO_TOKEN,
    'access token of somebody else': NO_TOKEN,
    'disabled caller': OUT,
    'ended credential': OUT,
    'caller without the right': forRights,
    'caller of another organization': [422, foreign] as const,
    'not certified': channelGets,
    certified: DONE,
  } as const;
}

export const ORGANIZATION_NUMBER = 100;

/** A service with one card, and a record of what was asked of it. */
export interface Matrix {
  readonly test: TestService;
  readonly pan: string;
  /** Of that card, 19 characters. */
  readonly token: string;
  /** Who asks: the headers of a request to the issuer's face. */
  roles(): Promise<Readonly<Record<string, Headers>>>;
  /** @param as the path of the document, where the one that is sent is another. */
  ask(request: Request, as?: string): Promise<Reply>;
  /** What an answer holds beside what it says: bodies and headers, all of it. */
  demandNoNumber(where: string, reply: Reply): void;
  /** Whether every route of the part was asked. */
  demandAllAsked(part: MatrixPart): void;
}

export async function startMatrix(): Promise<Matrix> {
  const test = await startService();
  const { issuer, registry, send } = test;
  const pan = freshPan();
  const token = (await issuer.create({ cardNumber: pan })).data.cardNumber;
  registry.add(pan);
  const asked = new Set<string>();
  return {
    ...{ test, pan, token },
    roles: () => rolesOfIssuerFace(test),
    async ask(request, as = request.path) {
      asked.add(`${request.method.toLowerCase()} ${as}`);
      return send(request);
    },
    demandNoNumber(where, { text, headers }) {
      registry.demandAbsent(`the body of ${where}`, Buffer.from(text));
      registry.demandAbsent(`the headers of ${where}`, Buffer.from(JSON.stringify(headers)));
    },
    demandAllAsked(part) {
      for (const route of routesOf(part)) assert(asked.has(route), `${route} is not asked`);
    },
  };
}

/** The routes of the OpenAPI document that belong to a part, or all: method and path. */
export function routesOf(part?: MatrixPart): readonly string[] {
  const { paths } = JSON.parse(readFileSync(OPENAPI_DOC, 'utf8'));
  const pattern = part === undefined ? /^/ : MATRIX_PARTS[part];
  return Object.entries(paths)
    .filter(([path]) => pattern.test(path))
    .flatMap(([path, item]) => Object.keys(item as object).map((method) => `${method} ${path}`));
}

async function rolesOfIssuerFace(test: TestService): Promise<Readonly<Record<string, Headers>>> {
  const { issuer, channel, stranger } = test;
  const good = await issuer.headers();
  const disabled = await addCaller(test);
  const ended = await addCaller(test);
  const idle = await addCaller(test, { rights: new Set<Right>(['audit']) });
  const clients = { disabled, ended, idle };
  const headers: Record<string, Headers> = {};
  for (const [name, client] of Object.entries(clients)) headers[name] = await client.headers();
  await test.service.disableCaller(operator, disabled.name);
  await test.service.rotateCaller(operator, ended.name, 0);
  return {
    'no credential': { 'content-type': 'application/json' },
    'wrong apikey': { ...good, apikey: 'x'.repeat(43) },
    'wrong client id': { ...good, 'x-clientid': '99999' },
    'wrong access token': { ...good, authorization: `Bearer ${'x'.repeat(300)}` },
    'access token of somebody else': {
      ...good,
      authorization: (await channel.headers()).authorization ?? '',
    },
    'disabled caller': headers.disabled ?? {},
    'ended credential': headers.ended ?? {},
    'caller without the right': headers.idle ?? {},
    'caller of another organization': await stranger.headers(),
    'not certified': await channel.headers(),
    certified: good,
  };
}
