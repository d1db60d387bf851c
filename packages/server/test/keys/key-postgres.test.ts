import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import type { KeyTools } from '../../src/cli/key-tools.ts';
import { ORGANIZATIONS } from '../../src/cli/sandbox-plan.ts';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import { openKeyTools } from '../../src/key-tools.ts';
import { createService, openService, type Service } from '../../src/service.ts';
import { type IssuerClient, makeIssuerClient, unpad } from '../harness/issuer-client.ts';
import { KEY_OPERATOR, NO_REPORT, QUIET } from '../harness/key-tools.ts';
import { makePanRegistry } from '../harness/pan-registry.ts';
import { makeTestDatabase } from '../harness/postgres.ts';
import { injecting } from '../harness/send.ts';

const LETTERS = 100 as OrganizationNumber;
const database = await makeTestDatabase();
const home = mkdtempSync(join(tmpdir(), 'pantoken-pg-keys-'));
const options = { database: { engine: 'postgres', url: database.url } } as const;

const first = await createService(home, QUIET, options);
const [organization] = ORGANIZATIONS;
assert(organization);
const operator = { who: 'operator', requestId: 'test' };
await first.register.addOrganization(operator, organization.organization, organization.ranges);
const { apikey, secret } = await first.register.addCaller(operator, {
  ...{ name: 'issuer', clientId: '00970', pciCertified: true },
  organizations: new Set([LETTERS]),
});
const second = await openService(home, QUIET, undefined, options);
after(async () => {
  await first.close();
  await second.close();
  await database.close();
  rmSync(home, { recursive: true });
});

const registry = makePanRegistry();
const clientOf = (service: Service): IssuerClient =>
  makeIssuerClient(
    injecting(() => service.app, registry),
    { name: 'issuer', clientId: '00970', apikey, secret },
  );
const nodes = [clientOf(first), clientOf(second)] as const;

async function change<T>(work: (tools: KeyTools) => Promise<T>): Promise<T> {
  const tools = await openKeyTools(home, QUIET, options);
  try {
    return await work(tools);
  } finally {
    await tools.end();
  }
}

/** Every token ever given opens on both nodes, and every number is found on both. */
async function demandAll(cards: ReadonlyMap<string, string>): Promise<void> {
  for (const [token, pan] of cards) {
    for (const node of nodes) {
      const number = await node.numberOf(LETTERS, token);
      assert.equal(number.status, 200, number.text);
      assert.equal(unpad(number.data.cardNumber), pan);
      assert.equal((await node.tokenOf(LETTERS, pan)).status, 200);
      assert.equal((await node.create({ cardNumber: pan })).code, 'CARD_EXISTS');
    }
  }
}

it('keys are rotated, cards retokenized and re-keyed on PostgreSQL while two nodes serve', async () => {
  const cards = new Map<string, string>();
  async function make(): Promise<void> {
    for (const [index, node] of nodes.entries()) {
      const token = unpad((await node.create()).data.cardNumber);
      // What one node made, the other one opens at once.
      const answer = await nodes[1 - index]?.numberOf(LETTERS, token);
      assert.equal(answer?.status, 200, answer?.text);
      cards.set(token, unpad(answer?.data.cardNumber ?? ''));
    }
  }
  await make();
  assert.equal((await change((tools) => tools.rotate(KEY_OPERATOR, LETTERS))).epoch, 2);
  await make();
  const moved = await change((tools) => tools.retokenize(KEY_OPERATOR, LETTERS, NO_REPORT));
  assert(moved.movedCount >= 2);
  await demandAll(cards);
  await change((tools) => tools.rekeyData(KEY_OPERATOR, LETTERS, NO_REPORT));
  await demandAll(cards);
  await change((tools) => tools.rekeyIndex(KEY_OPERATOR, LETTERS, NO_REPORT));
  await make();
  await demandAll(cards);

  const settings = join(home, 'new-kek.json');
  const kek = { id: 'second', provider: 'file', options: { path: 'second-kek' } };
  writeFileSync(settings, JSON.stringify(kek), { mode: 0o600 });
  await change(async (tools) => {
    await tools.keks.add(KEY_OPERATOR, settings, 'create');
    assert((await tools.rewrap(KEY_OPERATOR, 'second')).rewrappedCount >= 11);
  });
  await make();
  await demandAll(cards);
  const { keys } = await change((tools) => tools.list(KEY_OPERATOR, LETTERS));
  const current = keys.find(({ purpose, epoch }) => purpose === 'token' && epoch === 2);
  assert.equal(current?.tokenCount, cards.size);
  assert(keys.every(({ state, kek }) => state === 'destroyed' || kek === 'second'));
});
