import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { ORGANIZATIONS } from '../src/cli/sandbox-plan.ts';
import { makeLog } from '../src/log.ts';
import { createService, openService, type Service } from '../src/service.ts';
import { type IssuerClient, makeIssuerClient, unpad } from './harness/issuer-client.ts';
import { freshPan } from './harness/numbers.ts';
import { makePanRegistry } from './harness/pan-registry.ts';
import { makeTestDatabase } from './harness/postgres.ts';
import { injecting } from './harness/send.ts';

const database = await makeTestDatabase();
const home = mkdtempSync(join(tmpdir(), 'pantoken-pg-'));
const options = { database: { engine: 'postgres', url: database.url } } as const;
const log = makeLog('error', { write: (line: string) => void process.stderr.write(line) });

const first = await createService(home, log, options);
for (const { organization, ranges } of ORGANIZATIONS) {
  const operator = { who: 'operator', requestId: 'test' };
  await first.register.addOrganization(operator, organization, ranges);
}
const numbers = ORGANIZATIONS.map(({ organization }) => organization.number);
const { apikey, secret } = await first.register.addCaller(
  { who: 'operator', requestId: 'test' },
  { name: 'issuer', clientId: '00970', pciCertified: true, organizations: new Set(numbers) },
);
const second = await openService(home, log, undefined, options);
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
const one = clientOf(first);
const two = clientOf(second);

it('the main job works on PostgreSQL, on two nodes of one database', async () => {
  for (const organizationNumber of [100, 200, 400]) {
    const { cardNumber } = (await one.create({ organizationNumber })).data;
    const pan = unpad((await two.numberOf(organizationNumber, cardNumber)).data.cardNumber);
    assert.equal((await two.tokenOf(organizationNumber, pan)).data.panToken, cardNumber);
    const reissued = await two.act({ organizationNumber, cardNumber, cardAction: 3 });
    assert.equal(reissued.status, 200, reissued.text);
    const again = await one.act({ organizationNumber, cardNumber, cardAction: 7 });
    assert.equal(again.code, 'CARD_REPLACED');
  }
});

it('two nodes creating the same card at one moment: one card, one token', async () => {
  for (let round = 0; round < 10; round++) {
    const cardNumber = freshPan();
    const replies = await Promise.all(
      [one, two, one, two].map((client) => client.create({ cardNumber })),
    );
    const made = replies.filter(({ status }) => status === 200);
    assert.equal(made.length, 1);
    assert.ok(replies.every(({ status, code }) => status === 200 || code === 'CARD_EXISTS'));
    const [row] = await database.query(
      `select count(*) as n, count(distinct token) as tokens from card_number
       where token = '${unpad(made[0]?.data.cardNumber ?? '')}'`,
    );
    assert.deepEqual(row, { n: '1', tokens: '1' });
  }
});
