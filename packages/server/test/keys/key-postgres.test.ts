import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { KeyTools } from '../../src/cli/key-tools.ts';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import { openKeyTools } from '../../src/key-tools.ts';
import { unpad } from '../harness/issuer-client.ts';
import { KEY_OPERATOR, NO_REPORT, QUIET } from '../harness/key-tools.ts';
import { startPostgresNodes } from '../harness/postgres-nodes.ts';

const LETTERS = 100 as OrganizationNumber;
const service = await startPostgresNodes();
const { home, options } = service;
const caller = await service.addCaller();
const nodes = [caller.of(service.first), caller.of(await service.open('two'))] as const;

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
