import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type IssuerClient, unpad } from '../harness/issuer-client.ts';
import { freshPan } from '../harness/numbers.ts';
import { makeTestSandbox } from '../harness/server.ts';

const ROUNDS = 20;
const CLIENTS = 16;

interface Acknowledged {
  readonly organizationNumber: number;
  readonly token: string;
  /** Undefined where it was drawn. */
  readonly pan: string | undefined;
}

const sandbox = await makeTestSandbox();

it('every card that was acknowledged is there after kill -9, with its token, 20 times', async (t) => {
  const all: Acknowledged[] = [];
  let killedUnderWay = 0;
  let program = await sandbox.start();
  let issuer = sandbox.caller('issuer');
  for (let round = 0; round < ROUNDS; round++) {
    await issuer.headers();
    // Each round lets some more be answered, so that the kill meets the service at other moments.
    const made = await createUntil(issuer, 10 + round * 3, () => program.signal('SIGKILL'));
    assert.equal((await program.ended).signal, 'SIGKILL');
    killedUnderWay += made.brokenCount;
    all.push(...made.acknowledged);
    program = await sandbox.start();
    issuer = sandbox.caller('issuer');
    await demandThere(issuer, made.acknowledged);
  }
  await demandThere(issuer, all);
  program.signal('SIGINT');
  assert.equal((await program.ended).code, 0);
  assert(killedUnderWay >= ROUNDS, 'the kills have to meet requests under way');
  const tokens = new Set(all.map(({ organizationNumber, token }) => organizationNumber + token));
  assert.equal(tokens.size, all.length);
  t.diagnostic(
    `${ROUNDS} kills: ${all.length} cards acknowledged, ${all.length} there with their tokens; ` +
      `${killedUnderWay} requests were cut off`,
  );
});

/** Creates cards from many clients at once; when enough are made, kills, and collects what was answered. */
async function createUntil(issuer: IssuerClient, enough: number, kill: () => void) {
  const acknowledged: Acknowledged[] = [];
  let brokenCount = 0;
  const client = async (index: number) => {
    for (;;) {
      const organizationNumber = [100, 200, 400][index % 3] ?? 100;
      const pan = organizationNumber === 100 && index % 2 === 0 ? freshPan() : undefined;
      try {
        const reply = await issuer.create({ organizationNumber, cardNumber: pan ?? '' });
        assert.equal(reply.status, 200, reply.text);
        acknowledged.push({ organizationNumber, token: reply.data.cardNumber, pan });
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        brokenCount++;
        return;
      }
      if (acknowledged.length === enough) kill();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)));
  return { acknowledged, brokenCount };
}

/** In both directions. */
async function demandThere(issuer: IssuerClient, cards: readonly Acknowledged[]): Promise<void> {
  const waiting = [...cards];
  const client = async () => {
    for (let card = waiting.pop(); card !== undefined; card = waiting.pop()) {
      const { organizationNumber, token, pan } = card;
      const number = await issuer.numberOf(organizationNumber, token);
      assert.equal(number.status, 200, number.text);
      const found = unpad(number.data.cardNumber);
      if (pan !== undefined) assert.equal(found, pan);
      assert.equal((await issuer.tokenOf(organizationNumber, found)).data.panToken, token);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}
