import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import { addCaller } from '../harness/add-caller.ts';
import {
  ACTION,
  CREATE,
  INQUIRE,
  type IssuerClient,
  tokenRequest,
} from '../harness/issuer-client.ts';
import {
  DONE,
  type Expected,
  expectedOf,
  NO_RIGHT,
  NO_TOKEN,
  ORGANIZATION_NUMBER,
  OUT,
  startMatrix,
} from '../harness/matrix.ts';
import { freshPan } from '../harness/numbers.ts';
import type { Request } from '../harness/send.ts';

const matrix = await startMatrix();
const { test, pan, token, ask, demandNoNumber } = matrix;
const { issuer } = test;
const spare = async () => (await issuer.create()).data.cardNumber;
const organizationNumber = ORGANIZATION_NUMBER;

interface Route {
  readonly name: string;
  readonly path: string;
  readonly method: 'POST' | 'PUT';
  body(): Promise<object>;
  readonly expected: Readonly<Record<string, Expected>>;
}

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

describe("the issuer's face", async () => {
  const roles = await matrix.roles();
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

describe('the matrix of the issuer', () => {
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

  it('asks every route', () => matrix.demandAllAsked('firstvision'));
});
