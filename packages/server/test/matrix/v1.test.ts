import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Right } from '../../src/domain/caller.ts';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import { addCaller } from '../harness/add-caller.ts';
import { unpad } from '../harness/issuer-client.ts';
import {
  DONE,
  type Expected,
  expectedOf,
  type Headers,
  NO_RIGHT,
  ORGANIZATION_NUMBER,
  startMatrix,
} from '../harness/matrix.ts';

const matrix = await startMatrix();
const { test, token, ask, demandNoNumber } = matrix;
const { channel, manager } = test;
const organizationNumber = ORGANIZATION_NUMBER;

describe('POST /v1/account-changes', async () => {
  const body = JSON.stringify({
    organizationNumber,
    changes: [{ reference: 'one', kind: 'contact_cardholder', panToken: token }],
  });
  const roles = await matrix.roles();
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
  const roles = await matrix.roles();
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

it('the matrix of the native face asks every route', () => matrix.demandAllAsked('v1'));
