import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { OrganizationNumber } from '../src/domain/organization-number.ts';
import { type IssuerClient, unpad } from '../test/harness/issuer-client.ts';
import { KEY_OPERATOR, withKeyTools } from '../test/harness/key-tools.ts';
import { makeTestSandbox } from '../test/harness/server.ts';

const ROTATIONS = 20;
const CLIENTS = 4;
const ORGANIZATION = 100;
/** So many cards of each client in each epoch: the budgets of a caller count distinct cards. */
const CARDS_PER_EPOCH = 3;

const sandbox = await makeTestSandbox();

it('twenty rotations in a row under load: no request fails, and every token ever made opens', async (t) => {
  const program = await sandbox.start();
  /** What each token that was looked at opened to, and all tokens ever made. */
  const made = new Map<string, string>();
  const all: string[] = [];
  let requestCount = 0;
  let rotationCount = 0;
  let isOver = false;

  async function client(issuer: IssuerClient, index: number): Promise<void> {
    const own: string[] = [];
    for (let turn = index; !isOver; turn++) {
      requestCount++;
      if (own.length < CARDS_PER_EPOCH * (rotationCount + 1)) {
        const reply = await issuer.create({ organizationNumber: ORGANIZATION });
        assert.equal(reply.status, 200, reply.text);
        own.push(unpad(reply.data.cardNumber));
        all.push(...own.slice(-1));
        continue;
      }
      const token = own[turn % own.length];
      if (token === undefined) continue;
      const reply = await issuer.numberOf(ORGANIZATION, token);
      assert.equal(reply.status, 200, reply.text);
      const pan = unpad(reply.data.cardNumber);
      assert.equal(made.get(token) ?? pan, pan);
      made.set(token, pan);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const clients = Array.from({ length: CLIENTS }, (_, index) =>
    client(sandbox.caller('issuer'), index),
  );
  const failed = Promise.all(clients); // The first failure ends the test.
  const rotations = (async () => {
    for (let count = 1; count <= ROTATIONS; count++) {
      const { epoch } = await withKeyTools(sandbox, (tools) =>
        tools.rotate(KEY_OPERATOR, ORGANIZATION as OrganizationNumber),
      );
      assert.equal(epoch, count + 1);
      rotationCount = count;
    }
    isOver = true;
  })();
  await Promise.all([rotations, failed]);

  const issuer = sandbox.caller('issuer');
  for (const token of all) {
    const reply = await issuer.numberOf(ORGANIZATION, token);
    assert.equal(reply.status, 200, reply.text);
    const pan = unpad(reply.data.cardNumber);
    assert.equal(made.get(token) ?? pan, pan);
  }
  const epochs = new Set(all.map((token) => token[6]));
  t.diagnostic(
    `${ROTATIONS} rotations, ${requestCount} requests beside them, 0 failed; ` +
      `all ${all.length} tokens of ${epochs.size} epochs opened`,
  );
  assert(epochs.size > 1);
  program.signal('SIGTERM');
  assert.equal((await program.ended).code, 0);
});
