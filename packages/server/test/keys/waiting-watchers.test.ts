import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ORGANIZATIONS } from '../../src/cli/sandbox-plan.ts';
import { parseExpiry } from '../../src/domain/expiry.ts';
import type { Merchant } from '../../src/domain/merchant.ts';
import { Pan } from '../../src/domain/pan.ts';
import { openKeyTools } from '../../src/key-tools.ts';
import { createService } from '../../src/service.ts';
import { KEY_ENGINES, KEY_ORGANIZATION } from '../harness/key-home.ts';
import { KEY_OPERATOR, NO_REPORT, QUIET } from '../harness/key-tools.ts';
import { BIN, freshPan } from '../harness/numbers.ts';
import { makeTestDatabase } from '../harness/postgres.ts';
import { startReceiver } from '../harness/receiver.ts';
import { operator } from '../harness/service.ts';
import { testCertificates } from '../harness/simulated-schemes.ts';
import { readRows } from '../harness/written-files.ts';

const EXPIRY = parseExpiry('11', '2030');
const certificates = testCertificates();
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
const database = await makeTestDatabase();
const [planned] = ORGANIZATIONS;
assert(planned);
const { organization, ranges } = planned;

for (const engine of KEY_ENGINES) {
  it(`who waits on ${engine} for numbers to come on record is told, whatever becomes of the index key meanwhile`, async (t) => {
    const home = mkdtempSync(join(tmpdir(), 'pantoken-waiting-'));
    const options =
      engine === 'postgres' ? ({ database: { engine, url: database.url } } as const) : {};
    writeFileSync(join(home, 'ca.pem'), certificates.ca);
    const notifications = { allowedHosts: ['localhost'], caFile: 'ca.pem', timeoutMs: 20_000 };
    writeFileSync(join(home, 'updater.json'), JSON.stringify({ notifications }));
    const receiver = await startReceiver(certificates, privateKey);
    const service = await createService(home, QUIET, options);
    after(async () => {
      await service.close();
      rmSync(home, { recursive: true });
    });
    const { register, updater, directory } = service;
    await register.addOrganization(operator, organization, ranges);
    const organizations = new Set([KEY_ORGANIZATION]);
    const { caller } = await register.addCaller(operator, {
      ...{ name: 'issuer', clientId: '1', pciCertified: true, organizations },
    });
    const publicKeyPem = String(publicKey.export({ type: 'spki', format: 'pem' }));
    const given = { name: 'merchant', publicKeyPem, algorithm: 'rsa-v1_5' } as const;
    await register.addMerchant(operator, given);
    await updater.setNotification(operator, 'merchant', { url: receiver.url, signed: false });
    const [merchant] = directory.listMerchants();
    assert(merchant);

    const known: Merchant = merchant;
    const waiting: string[] = [];
    async function watchNew(): Promise<void> {
      const pan = freshPan(BIN.mastercard);
      const card = { kind: 'number', number: Pan.parse(pan) } as const;
      const request = { card, expiry: EXPIRY };
      const [result] = await updater.watchlist.addToWatchlist(known, [request], 'x');
      assert.equal(result?.status, 'added');
      waiting.push(pan);
    }
    let changes = 0;
    /** It comes on record, and something becomes of it at once. */
    async function recordOne(): Promise<void> {
      const pan = waiting.shift() ?? '';
      const request = { organization: KEY_ORGANIZATION, sequence: 1, expiry: EXPIRY };
      const details = { accountNumber: '1' };
      await service.createCard(caller, { ...request, details, pan: Pan.parse(pan) }, 'x');
      const change = { reference: `${++changes}`, kind: 'closed' as const, pan };
      const results = await service.recordAccountChanges(operator, KEY_ORGANIZATION, [change]);
      assert.equal(results[0]?.status, 'recorded');
    }
    const subjects = async () => {
      const sql = 'select subject from watched_card';
      const rows = engine === 'postgres' ? await database.query(sql) : readRows(home, sql);
      return rows.map(({ subject }) => Buffer.from(subject as Uint8Array).toString('hex'));
    };

    for (let count = 0; count < 10; count++) await watchNew();
    const before = await subjects();
    assert.equal(before.length, 10);
    const waitingLongest = waiting.splice(0);
    const tools = await openKeyTools(home, QUIET, options);
    let isUnderWay = true;
    // With the pauses it has in earnest: the service is at each of its steps for a while.
    const rekeyed = tools.rekeyIndex(KEY_OPERATOR, KEY_ORGANIZATION, NO_REPORT).finally(() => {
      isUnderWay = false;
    });
    while (isUnderWay) {
      await watchNew();
      await watchNew();
      await recordOne();
      await sleep(100);
    }
    assert.equal((await rekeyed).epoch, 2);
    await tools.end();
    const now = await subjects();
    assert(!now.some((subject) => before.includes(subject)));
    waiting.push(...waitingLongest);
    while (waiting.length > 0) await recordOne();
    const { checkWatchlist, deliverNotifications } = updater;
    while ((await checkWatchlist()) + (await deliverNotifications()) > 0);
    const told = receiver.received.map(({ fields }) => fields.status);
    assert.deepEqual([told.length, new Set(told)], [changes, new Set(['C'])]);
    t.diagnostic(`${changes} cards`);
  });
}

after(() => database.close());
