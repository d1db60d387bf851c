import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { ORGANIZATIONS } from '../src/cli/sandbox-plan.ts';
import { parseExpiry } from '../src/domain/expiry.ts';
import { Pan } from '../src/domain/pan.ts';
import { makeLog } from '../src/log.ts';
import { createService, openService } from '../src/service.ts';
import { BIN, freshPan } from './harness/numbers.ts';
import { makeTestDatabase } from './harness/postgres.ts';
import { startReceiver } from './harness/receiver.ts';
import { testCertificates } from './harness/simulated-schemes.ts';

const CARDS = 100;
const operator = { who: 'operator', requestId: 'test' } as const;
const database = await makeTestDatabase();
const certificates = testCertificates();
const log = makeLog('error', { write: (line: string) => void process.stderr.write(line) });

for (const engine of ['sqlite', 'postgres'] as const) {
  it(`two nodes on one ${engine} check and deliver at once, and nothing twice`, async () => {
    const home = mkdtempSync(join(tmpdir(), 'pantoken-nodes-'));
    const options =
      engine === 'postgres' ? ({ database: { engine, url: database.url } } as const) : {};
    writeFileSync(join(home, 'ca.pem'), certificates.ca);
    const notifications = { allowedHosts: ['localhost'], caFile: 'ca.pem', timeoutMs: 20_000 };
    writeFileSync(join(home, 'updater.json'), JSON.stringify({ notifications }));
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
    const publicKeyPem = String(publicKey.export({ type: 'spki', format: 'pem' }));
    const receiver = await startReceiver(certificates, privateKey);
    const one = await createService(home, log, options);
    after(() => rmSync(home, { recursive: true }));
    const [planned] = ORGANIZATIONS;
    assert(planned);
    const organization = planned.organization.number;
    await one.register.addOrganization(operator, planned.organization, planned.ranges);
    const { caller } = await one.register.addCaller(operator, {
      ...{ name: 'issuer', clientId: '1', pciCertified: true },
      organizations: new Set([organization]),
    });
    const given = { name: 'merchant', publicKeyPem, algorithm: 'rsa-v1_5' } as const;
    await one.register.addMerchant(operator, given);
    await one.updater.setNotification(operator, 'merchant', { url: receiver.url, signed: false });
    const [merchant] = one.directory.listMerchants();
    assert(merchant);
    const expiry = parseExpiry('11', '2030');
    const pans = Array.from({ length: CARDS }, () => Pan.parse(freshPan(BIN.mastercard)));
    const details = { accountNumber: '1' };
    await Promise.all(
      pans.map((pan) =>
        one.createCard(caller, { organization, pan, sequence: 1, expiry, details }, 'x'),
      ),
    );
    const cards = pans.map((number) => ({ card: { kind: 'number', number } as const, expiry }));
    await one.updater.watchlist.addToWatchlist(merchant, cards, 'x');
    const two = await openService(home, log, undefined, options);
    const nodes = [one, two];
    for (const { updater } of nodes) updater.start();
    // While both of them are at work.
    for (const [index, kind] of (['contact_cardholder', 'closed'] as const).entries()) {
      const changes = pans.map((pan, at) => ({
        ...{ reference: `${index}-${at}`, kind, pan: pan.reveal() },
      }));
      const node = nodes[index] ?? one;
      await node.recordAccountChanges(operator, organization, changes);
    }
    for (let tries = 0; tries < 600 && receiver.received.length < 2 * CARDS; tries++)
      await wait(50);
    await wait(1_500); // One more round of each: what were sent twice would come now.
    for (const node of nodes) await node.close();
    const ids = new Set(receiver.received.map(({ requestId }) => requestId));
    assert.deepEqual([receiver.received.length, ids.size], [2 * CARDS, 2 * CARDS]);
    for (const [panid, told] of Map.groupBy(receiver.received, ({ fields }) => fields.panid)) {
      assert.equal(told.map(({ fields }) => fields.status).join(''), 'QC', panid);
    }
  });
}

after(() => database.close());
