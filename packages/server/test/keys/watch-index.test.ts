import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseExpiry } from '../../src/domain/expiry.ts';
import type { Merchant } from '../../src/domain/merchant.ts';
import { Pan } from '../../src/domain/pan.ts';
import { openKeyTools } from '../../src/key-tools.ts';
import { createService, openService, type Service } from '../../src/service.ts';
import { KEY_ENGINES } from '../harness/key-home.ts';
import { KEY_OPERATOR, NO_REPORT, QUIET } from '../harness/key-tools.ts';
import { BIN, freshPan } from '../harness/numbers.ts';
import { makeTestDatabase } from '../harness/postgres.ts';
import { startReceiver } from '../harness/receiver.ts';
import { operator } from '../harness/service.ts';
import { testCertificates } from '../harness/simulated-schemes.ts';

const AT_ONCE = 50;
const EXPIRY = parseExpiry('11', '2030');
const certificates = testCertificates();
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
const database = await makeTestDatabase();

for (const engine of KEY_ENGINES) {
  it(`two nodes on one ${engine} watch each card once while the key it is found by changes, twice`, async (t) => {
    const home = mkdtempSync(join(tmpdir(), 'pantoken-watch-index-'));
    const options =
      engine === 'postgres' ? ({ database: { engine, url: database.url } } as const) : {};
    const nodes = await startNodes(home, options);
    after(async () => {
      for (const node of nodes) await node.close();
      rmSync(home, { recursive: true });
    });
    const [merchant] = nodes[0].directory.listMerchants();
    assert(merchant);
    const watching = makeWatching(nodes, merchant);
    await watching.round();
    for (const epoch of [2, 3]) {
      const tools = await openKeyTools(home, QUIET, options);
      let isUnderWay = true;
      // With the pauses it has in earnest: every node is at each of its steps for a while.
      const rekeyed = tools
        .rekeyService(KEY_OPERATOR, 'updater-index', 'active', NO_REPORT)
        .finally(() => {
          isUnderWay = false;
        });
      while (isUnderWay) await watching.round();
      assert.deepEqual(await rekeyed, { epoch, became: 'makes', damagedCount: 0 });
      await tools.end();
      await watching.lookAtAll();
      const clock = { nowMs: () => Date.now() + 16 * 60_000 };
      const later = await openKeyTools(home, QUIET, options, { clock });
      await later.destroyServiceKey(KEY_OPERATOR, 'updater-index', epoch - 1);
      await later.end();
      await watching.round();
      await watching.lookAtAll();
    }
    t.diagnostic(`${watching.count()} cards`);
  });
}

after(() => database.close());

async function startNodes(
  home: string,
  options: Parameters<typeof createService>[2],
): Promise<readonly [Service, Service]> {
  writeFileSync(join(home, 'ca.pem'), certificates.ca);
  const notifications = { allowedHosts: ['localhost'], caFile: 'ca.pem', timeoutMs: 20_000 };
  writeFileSync(join(home, 'updater.json'), JSON.stringify({ notifications }));
  const { url } = await startReceiver(certificates, privateKey);
  const one = await createService(home, QUIET, options);
  const publicKeyPem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  const given = { name: 'merchant', publicKeyPem, algorithm: 'rsa-v1_5' } as const;
  await one.register.addMerchant(operator, given);
  await one.updater.setNotification(operator, 'merchant', { url, signed: false });
  return [one, await openService(home, QUIET, undefined, options)];
}

/** A merchant that puts the same cards on its list through both nodes, takes some off, and asks. */
function makeWatching(nodes: readonly [Service, Service], merchant: Merchant) {
  /** The panid of each card, by number. */
  const known = new Map<string, string>();

  const add = async ({ updater }: Service, pan: string) => {
    const card = { kind: 'number', number: Pan.parse(pan) } as const;
    const request = { card, expiry: EXPIRY, customReference: `of ${pan.slice(-10)}` };
    const [result] = await updater.watchlist.addToWatchlist(merchant, [request], 'x');
    assert(result !== undefined && result.status !== 'failed', JSON.stringify(result));
    return result;
  };

  /** Through both at once: one of them adds it. */
  async function addOnce(pan: string): Promise<void> {
    const results = await Promise.all(nodes.map((node) => add(node, pan)));
    assert.deepEqual(results.map(({ status }) => status).toSorted(), ['added', 'already_there']);
    const [panid, ...others] = new Set(results.map((each) => each.panid));
    assert(panid !== undefined && others.length === 0);
    known.set(pan, panid);
  }

  async function lookAt(pan: string): Promise<void> {
    for (const node of nodes) {
      const panid = known.get(pan);
      assert.deepEqual(await add(node, pan), { status: 'already_there', panid });
      const reference = `of ${pan.slice(-10)}`;
      const { listPanids } = node.updater.watchlist;
      const found = await listPanids(merchant, reference, { after: '', limit: 10 });
      assert.deepEqual(found, { panids: [panid] });
    }
  }

  return {
    count: () => known.size,
    async round(): Promise<void> {
      const fresh = Array.from({ length: 10 }, () => freshPan(BIN.mastercard));
      await Promise.all(fresh.map(addOnce));
      const [first = '', second = ''] = fresh;
      await lookAt([...known.keys()][Math.floor(Math.random() * known.size)] ?? '');
      const [one, two] = nodes;
      await one.updater.watchlist.endWatch(merchant, known.get(first) ?? '', 'x');
      await two.updater.watchlist.endWatch(merchant, known.get(second) ?? '', 'x');
      await addOnce(first);
      known.delete(second);
      await sleep(100);
    },
    async lookAtAll(): Promise<void> {
      const pans = [...known.keys()];
      for (let start = 0; start < pans.length; start += AT_ONCE) {
        await Promise.all(pans.slice(start, start + AT_ONCE).map(lookAt));
      }
    },
  };
}
