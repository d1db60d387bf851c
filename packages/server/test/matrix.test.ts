import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { OPENAPI_DOC } from '../scripts/openapi-doc.ts';
import type { Right } from '../src/domain/caller.ts';
import type { OrganizationNumber } from '../src/domain/organization-number.ts';
import { addCaller } from './harness/add-caller.ts';
import {
  ACTION,
  CREATE,
  INQUIRE,
  type IssuerClient,
  tokenRequest,
  unpad,
} from './harness/issuer-client.ts';
import { VALIDATE } from './harness/merchant-client.ts';
import { freshPan } from './harness/numbers.ts';
import type { Reply, Request } from './harness/send.ts';
import { operator, startService } from './harness/service.ts';

/*
 * Every route, asked by everybody who may come: exactly the answers that are expected, and no card
 * number where none may be. The service is scanned once more, log and database, when this ends.
 */

const test = await startService();
const { issuer, channel, stranger, manager, merchant, registry, send } = test;

const pan = freshPan();
const token = (await issuer.create({ cardNumber: pan })).data.cardNumber;
const spare = async () => (await issuer.create()).data.cardNumber;

type Headers = Readonly<Record<string, string>>;

/** Who asks: the headers of a request to the issuer's face. */
async function rolesOfIssuerFace(): Promise<Readonly<Record<string, Headers>>> {
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

const OUT = [401, 'CREDENTIALS_INVALID'] as const;
const NO_TOKEN = [401, 'ACCESS_TOKEN_INVALID'] as const;
const NO_RIGHT = [403, 'RIGHT_MISSING'] as const;
const DONE = [200, undefined] as const;

type Expected = readonly [number, string | undefined];

/** By role; what does not depend on the route is said once. */
function expectedOf(forRights: Expected, foreign: string, channelGets: Expected) {
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

interface Route {
  readonly name: string;
  readonly path: string;
  readonly method: 'POST' | 'PUT';
  body(): Promise<object>;
  readonly expected: Readonly<Record<string, Expected>>;
}

const organizationNumber = 100;

const ROUTES: readonly Route[] = [
  {
    name: 'create a card',
    path: CREATE,
    method: 'POST',
    body: async () => ({ organizationNumber, postToAccount: '1', cardNumber: '' }),
    expected: expectedOf(NO_RIGHT, 'ORGANIZATION_NOT_FOUND', DONE),
  },
  {
    name: 'create a card with a number of its own',
    path: CREATE,
    method: 'POST',
    body: async () => ({ organizationNumber, postToAccount: '1', cardNumber: freshPan() }),
    expected: expectedOf(NO_RIGHT, 'ORGANIZATION_NOT_FOUND', DONE),
  },
  {
    name: 'a token for a number',
    path: INQUIRE,
    method: 'POST',
    body: async () => ({ organizationNumber, cardNumber: pan, functionType: 'C' }),
    expected: expectedOf(NO_RIGHT, 'VPL5SAD07S', DONE),
  },
  {
    name: 'a number for a token',
    path: INQUIRE,
    method: 'POST',
    body: async () => ({ organizationNumber, cardNumber: token, functionType: 'P' }),
    expected: expectedOf([403, 'NUMBER_FORBIDDEN'], 'VPL5SAD07S', [403, 'NUMBER_FORBIDDEN']),
  },
  ...[2, 3, 6, 7].map(
    (cardAction): Route => ({
      name: `card action ${cardAction}`,
      path: ACTION,
      method: 'PUT',
      body: async () => ({
        organizationNumber,
        cardNumber: await spare(),
        cardAction,
        randomPin: 0,
      }),
      expected: expectedOf(NO_RIGHT, 'VPL5SPR02S', DONE),
    }),
  ),
];

const seen = new Set<string>();

async function ask(request: Request): Promise<Reply> {
  seen.add(`${request.method.toLowerCase()} ${request.path}`);
  return send(request);
}

/** What an answer holds beside what it says: bodies and headers, all of it. */
function demandNoNumber(where: string, { text, headers }: Reply): void {
  registry.demandAbsent(`the body of ${where}`, Buffer.from(text));
  registry.demandAbsent(`the headers of ${where}`, Buffer.from(JSON.stringify(headers)));
}

describe("the issuer's face", async () => {
  const roles = await rolesOfIssuerFace();
  registry.add(pan);
  for (const { name, path, method, body, expected } of ROUTES) {
    for (const [role, headers] of Object.entries(roles)) {
      it(`${name}, ${role}`, async () => {
        const reply = await ask({ method, path, headers, body: JSON.stringify(await body()) });
        const { errors, hasError, data } = JSON.parse(reply.text);
        assert.deepEqual([reply.status, errors[0]?.code], expected[role]);
        assert.equal(hasError, reply.status !== 200);
        const isNumberDue = role === 'certified' && name === 'a number for a token';
        if (isNumberDue) assert.equal(data.cardNumber, `000${pan}`);
        else demandNoNumber(`${name}, ${role}`, reply);
      });
    }
  }

  it('an access token or a caller that has expired opens nothing', async () => {
    const caller = await addCaller(test);
    const mortal = await addCaller(test, { expiresAtMs: Date.now() + 900_000 });
    const clients = [await caller.headers(), await mortal.headers()];
    const bodies = await Promise.all(ROUTES.map(({ body }) => body()));
    test.moveClock(900_001);
    for (const [index, { name, path, method }] of ROUTES.entries()) {
      for (const [which, headers] of clients.entries()) {
        const reply = await ask({ method, path, headers, body: JSON.stringify(bodies[index]) });
        const { errors } = JSON.parse(reply.text);
        assert.deepEqual([reply.status, errors[0].code], which === 0 ? NO_TOKEN : OUT, name);
        demandNoNumber(name, reply);
      }
    }
    test.moveClock(-900_001);
  });

  it('a caller out of its networks opens nothing', async () => {
    const caller = await addCaller(test, { networks: ['192.0.2.0/24'] });
    const { apikey, clientId } = caller.credentials;
    const headers = { ...(await issuer.headers()), apikey, 'x-clientid': clientId };
    for (const { name, path, method, body } of ROUTES) {
      const reply = await ask({ method, path, headers, body: JSON.stringify(await body()) });
      assert.equal(reply.status, 401, name);
    }
  });
});

describe('POST /v1/account-changes', async () => {
  const body = JSON.stringify({
    organizationNumber,
    changes: [{ reference: 'one', kind: 'contact_cardholder', panToken: token }],
  });
  const roles = await rolesOfIssuerFace();
  const expected = expectedOf(NO_RIGHT, 'ORGANIZATION_NOT_FOUND', DONE);
  for (const [role, headers] of Object.entries(roles)) {
    it(role, async () => {
      const reply = await ask({ method: 'POST', path: '/v1/account-changes', headers, body });
      const { code } = JSON.parse(reply.text);
      const [status, wanted] = expected[role as keyof typeof expected];
      assert.deepEqual([reply.status, code], [status === 422 ? 404 : status, wanted]);
      demandNoNumber(role, reply);
    });
  }
});

/** The routes of the rights `manage`, `validate` and `audit`; two certified callers ask them, too. */
describe('the native face', async () => {
  const card = { organizationNumber, panToken: unpad(token) };
  const routes: readonly {
    readonly method: 'GET' | 'POST' | 'PUT';
    readonly path: string;
    readonly right: Right;
    readonly isOfOrganization: boolean;
    readonly body?: () => Promise<object>;
  }[] = [
    {
      ...{ method: 'PUT', path: '/v1/bait', right: 'manage', isOfOrganization: true },
      body: async () => ({ ...card, bait: false }),
    },
    {
      ...{ method: 'POST', path: '/v1/card-status', right: 'validate', isOfOrganization: true },
      body: async () => ({ ...card, expiry: '2030-11' }),
    },
    {
      ...{ method: 'POST', path: '/v1/audit-records', right: 'audit', isOfOrganization: true },
      body: async () => ({ organizationNumber, limit: 5 }),
    },
    { method: 'GET', path: '/v1/callers', right: 'manage', isOfOrganization: false },
    {
      ...{ method: 'POST', path: '/v1/callers/disable', right: 'manage', isOfOrganization: false },
      body: async () => ({ name: (await addCaller(test)).name }),
    },
  ];
  const roles = await rolesOfIssuerFace();
  const own = await addCaller(test, { rights: new Set<Right>(['manage', 'validate', 'audit']) });
  const elsewhere = await addCaller(test, {
    rights: new Set<Right>(['manage', 'validate', 'audit']),
    organizations: new Set([200 as OrganizationNumber]),
  });
  const managed: Readonly<Record<string, Headers>> = {
    ...roles,
    'caller without the right': await channel.headers(),
    'not certified': await manager.headers(),
    certified: await own.headers(),
    'caller of another organization': await elsewhere.headers(),
  };
  for (const { method, path, right, isOfOrganization, body } of routes) {
    for (const [role, headers] of Object.entries(managed)) {
      it(`${method} ${path}, ${role}`, async () => {
        const sent = body === undefined ? {} : { body: JSON.stringify(await body()) };
        const { 'content-type': type = '', ...bare } = headers;
        const given = body === undefined ? bare : { ...bare, 'content-type': type };
        const reply = await ask({ method, path, headers: given, ...sent });
        const { code } = JSON.parse(reply.text);
        const all = expectedOf(NO_RIGHT, '', DONE);
        const foreign: Expected = isOfOrganization
          ? [404, 'ORGANIZATION_NOT_FOUND']
          : path === '/v1/callers'
            ? DONE
            : [404, 'CALLER_NOT_FOUND'];
        const isForeign = role === 'caller of another organization';
        assert.deepEqual(
          [reply.status, code],
          isForeign ? foreign : all[role as keyof typeof all],
          `${right}: ${reply.text}`,
        );
        demandNoNumber(`${path}, ${role}`, reply);
        if (isForeign) assert(!reply.text.includes('"issuer"'), 'it sees its own callers only');
      });
    }
  }

  it('a record of another organization is not shown, nor one of the service', async () => {
    await elsewhere.numberOf(200, 'x');
    const headers = await manager.headers();
    const throughMs = Date.now(); // Each page is on record itself.
    const ofOwn = async (number: number, after?: string) => {
      const asked = { organizationNumber: number, limit: 1, throughMs, ...(after && { after }) };
      const body = JSON.stringify(asked);
      const reply = await ask({ method: 'POST', path: '/v1/audit-records', headers, body });
      return JSON.parse(reply.text);
    };
    for (const number of [100, 200]) {
      let next: string | undefined;
      const seen: string[] = [];
      do {
        const page = await ofOwn(number, next);
        for (const { record } of page.records) {
          assert.equal(record.organization, number);
          seen.push(record.requestId);
        }
        next = page.next;
      } while (next !== undefined);
      const ids = new Set(seen);
      // What was asked meanwhile is on record, too.
      const kept = test
        .audit()
        .filter((each) => each.organization === number && each.action !== 'search_audit');
      assert(kept.every(({ requestId }) => ids.has(requestId)));
      assert(ids.size > 0 && kept.length > 0);
    }
  });
});

describe('POST /token', () => {
  const cases: Readonly<Record<string, (client: IssuerClient) => Request>> = {
    good: ({ credentials }) => tokenRequest(credentials),
    'wrong secret': ({ credentials }) => tokenRequest({ ...credentials, secret: 'x' }),
    'wrong apikey': ({ credentials }) => tokenRequest({ ...credentials, apikey: 'x' }),
    'no credential': ({ credentials }) => {
      const { headers = {}, ...request } = tokenRequest(credentials);
      return { ...request, headers: { 'content-type': headers['content-type'] ?? '' } };
    },
  };
  for (const [name, requestOf] of Object.entries(cases)) {
    it(name, async () => {
      const reply = await ask(requestOf(issuer));
      assert.equal(reply.status, name === 'good' ? 200 : 401);
      demandNoNumber(name, reply);
    });
  }
});

describe("the merchant's face", async () => {
  const { merchantid } = merchant.credentials;
  const fields = { pan, expmonth: '11', expyear: '2030', merchantid };
  const body = JSON.stringify(fields);
  const encrypted = JSON.stringify({ encdata: merchant.encrypt(body) });
  const publicKeyPem = test.service.publicKeyPem;
  const given = { publicKeyPem, algorithm: 'rsa-v1_5' } as const;
  const { register } = test.service;
  const disabled = await register.addMerchant(operator, { ...given, name: 'disabled' });
  await test.service.disableMerchant(operator, 'disabled');
  const other = await register.addMerchant(operator, { ...given, name: 'other' });
  const away = { ...given, name: 'away', networks: ['192.0.2.0/24'] };
  const outside = await register.addMerchant(operator, away);
  const roles: Readonly<Record<string, [Headers, Expected]>> = {
    'no credential': [{ 'x-api-key': '' }, OUT],
    'wrong key': [{ 'x-api-key': 'x'.repeat(43) }, OUT],
    'disabled merchant': [{ 'x-api-key': disabled.apiKey }, OUT],
    'out of its networks': [{ 'x-api-key': outside.apiKey }, OUT],
    "a caller's apikey": [{ 'x-api-key': issuer.credentials.apikey }, OUT],
    'another merchant': [{ 'x-api-key': other.apiKey }, [403, 'MERCHANT_UNKNOWN']],
    good: [{ 'x-api-key': merchant.credentials.apiKey }, DONE],
  };
  for (const [role, [headers, expected]] of Object.entries(roles)) {
    for (const sent of [body, encrypted]) {
      it(`${role}, ${sent === body ? 'in clear' : 'encrypted'}`, async () => {
        const all = { 'content-type': 'application/json', ...headers };
        const reply = await ask({ method: 'POST', path: VALIDATE, headers: all, body: sent });
        const { code } = JSON.parse(reply.text);
        // Inside of what was encrypted nothing is told apart.
        const isHidden = sent === encrypted && role === 'another merchant';
        assert.deepEqual([reply.status, code], isHidden ? [400, 'ENCDATA_UNREADABLE'] : expected);
        demandNoNumber(role, reply);
      });
    }
  }
});

describe('the watchlist of a merchant', () => {
  const { merchantid } = merchant.credentials;
  const cards = { merchantid, pans: [{ pan, expmonth: '11', expyear: '2030' }] };
  const panid = '0'.repeat(32);
  const routes = [
    { method: 'POST', path: '/api/cu/addwatchlist', body: JSON.stringify(cards), good: 409 },
    { method: 'DELETE', path: `/api/cu/${panid}/unsubscribe`, good: 404 },
    { method: 'GET', path: `/api/cu/panids?customreference=x&merchantid=${merchantid}`, good: 200 },
  ] as const;
  const patternOf = (path: string) => path.replace(panid, '{panid}').replace(/\?.*/, '');
  for (const { good, ...request } of routes) {
    it(`${request.method} ${patternOf(request.path)}`, async () => {
      seen.add(`${request.method.toLowerCase()} ${patternOf(request.path)}`);
      const type = 'body' in request ? { 'content-type': 'application/json' } : {};
      for (const key of ['', 'x'.repeat(43), issuer.credentials.apikey]) {
        const reply = await ask({ ...request, headers: { ...type, 'x-api-key': key } });
        assert.equal(reply.status, 401);
        demandNoNumber(request.path, reply);
      }
      const { apiKey } = merchant.credentials;
      const reply = await ask({ ...request, headers: { ...type, 'x-api-key': apiKey } });
      assert.equal(reply.status, good, reply.text);
    });
  }
});

describe('what schemes push', () => {
  for (const path of ['visa', 'mastercard', 'visa/{secret}', 'mastercard/{secret}']) {
    it(`is taken of nobody where no scheme is connected: ${path}`, async () => {
      const sent = `/v1/callbacks/${path.replace('{secret}', 'x'.repeat(43))}`;
      seen.add(`post /v1/callbacks/${path}`);
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ pan, cardNumber: pan });
      const reply = await ask({ method: 'POST', path: sent, headers, body });
      assert.equal(reply.status, 404);
      demandNoNumber(sent, reply);
    });
  }
});

describe('the matrix', () => {
  it('asks every route of the OpenAPI document', () => {
    const { paths } = JSON.parse(readFileSync(OPENAPI_DOC, 'utf8'));
    for (const [path, item] of Object.entries(paths)) {
      for (const method of Object.keys(item as object)) assert(seen.has(`${method} ${path}`), path);
    }
  });

  it('an organization that is not there and one of somebody else are refused alike', async () => {
    const caller = await addCaller(test, {
      organizations: new Set([200 as OrganizationNumber]),
    });
    const replies = [];
    for (const number of [100, 777]) {
      const { status, text } = await caller.numberOf(number, token);
      replies.push([status, text]);
    }
    assert.deepEqual(replies[0], replies[1]);
  });
});
