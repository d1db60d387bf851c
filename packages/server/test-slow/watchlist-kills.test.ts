import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { ORGANIZATIONS } from '../src/cli/sandbox-plan.ts';
import { parseExpiry } from '../src/domain/expiry.ts';
import { Pan } from '../src/domain/pan.ts';
import { makeLog } from '../src/log.ts';
import { createService } from '../src/service.ts';
import { BIN, freshPan } from '../test/harness/numbers.ts';
import { startReceiver } from '../test/harness/receiver.ts';
import { testCertificates } from '../test/harness/simulated-schemes.ts';

const CARDS = 10_000;
const CHANGED = 5_000;
const CHANGED_TWICE = 500;
const KILLS = 10;
const HOUR_MS = 60 * 60 * 1000;
const operator = { who: 'operator', requestId: 'test' } as const;

it('10,000 watched cards, half of them changed, 10 kills, a receiver that fails a third of the time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-kills-'));
  const home = join(folder, 'service');
  const certificates = testCertificates();
  const log = makeLog('error', { write: (line: string) => void process.stderr.write(line) });
  (await createService(home, log)).close();
  writeFileSync(join(home, 'ca.pem'), certificates.ca);
  const notifications = { allowedHosts: ['localhost'], caFile: 'ca.pem', timeoutMs: 2_000 };
  writeFileSync(join(home, 'updater.json'), JSON.stringify({ notifications }));
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
  const receiver = await startReceiver(certificates, privateKey);
  const expected = await fill(
    home,
    receiver.url,
    String(publicKey.export({ type: 'spki', format: 'pem' })),
  );

  let answered = 0;
  receiver.answer(() => (++answered % 3 === 0 ? 503 : 200));
  let aheadMs = 0;
  let killCount = 0;
  const isDone = () => pendingCount(home) === 0 && aheadMs > 30 * HOUR_MS;
  while (!isDone()) {
    const child = run(home, aheadMs);
    const before = receiver.received.length;
    if (killCount < KILLS) {
      // In the middle of checks and deliveries, not before the first of them.
      for (let tries = 0; tries < 300 && receiver.received.length < before + 100; tries++)
        await wait(50);
      await wait(100 * killCount);
    } else {
      await untilQuiet(home, aheadMs);
    }
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    killCount++;
    // The second change of a card has its day when the first has been told: what is told is the state.
    aheadMs += killCount < 2 * KILLS ? HOUR_MS : 4 * HOUR_MS;
  }

  const acknowledged = receiver.received.filter(({ status }) => status === 200);
  const byPanid = Map.groupBy(receiver.received, ({ fields }) => fields.panid ?? '');
  let missing = 0;
  let disordered = 0;
  for (const [panid, letters] of expected) {
    const seen = (byPanid.get(panid) ?? []).map(({ fields }) => fields.status);
    const first = seen.filter((letter, index) => letter !== seen[index - 1]);
    if (first.join('') !== letters) disordered++;
    const ok = acknowledged.filter(({ fields }) => fields.panid === panid);
    if (new Set(ok.map(({ fields }) => fields.status)).size !== letters.length) missing++;
  }
  const invented = [...byPanid.keys()].filter((panid) => !expected.has(panid)).length;
  const ids = new Set(acknowledged.map(({ requestId }) => requestId));
  const duplicates = acknowledged.length - ids.size;
  t.diagnostic(
    JSON.stringify({
      ...{
        watched: CARDS,
        changed: expected.size,
        kills: killCount,
        posts: receiver.received.length,
      },
      ...{ acknowledged: acknowledged.length, notifications: ids.size, duplicates },
      ...{ missing, disordered, invented },
    }),
  );
  assert.deepEqual({ missing, disordered, invented }, { missing: 0, disordered: 0, invented: 0 });
  assert.equal(ids.size, CHANGED + CHANGED_TWICE);
  rmSync(folder, { recursive: true });
});

/** @returns what has to be told, by panid, in order. */
async function fill(home: string, url: string, publicKeyPem: string): Promise<Map<string, string>> {
  const { openService } = await import('../src/service.ts');
  const log = makeLog('error', { write: (line: string) => void process.stderr.write(line) });
  const service = await openService(home, log, undefined, { requestsPerMinute: 1e9 });
  const [first] = ORGANIZATIONS;
  assert(first);
  const organization = first.organization.number;
  await service.register.addOrganization(operator, first.organization, first.ranges);
  const { caller } = await service.register.addCaller(operator, {
    ...{
      name: 'issuer',
      clientId: '1',
      pciCertified: true,
      organizations: new Set([organization]),
    },
  });
  const given = { name: 'merchant', publicKeyPem, algorithm: 'rsa-v1_5' } as const;
  await service.register.addMerchant(operator, given);
  const { setNotification } = service.updater;
  await setNotification(operator, 'merchant', { url, signed: false });
  const merchant = service.directory.listMerchants()[0];
  assert(merchant);
  const expiry = parseExpiry('11', '2030');
  const pans = Array.from({ length: CARDS }, () => freshPan(BIN.mastercard));
  await inWaves(pans, (pan) =>
    service.createCard(
      caller,
      { organization, pan: Pan.parse(pan), sequence: 1, expiry, details: { accountNumber: '1' } },
      'fill',
    ),
  );
  const requests = pans.map(
    (pan) => ({ card: { kind: 'number', number: Pan.parse(pan) }, expiry }) as const,
  );
  const added = await service.updater.watchlist.addToWatchlist(merchant, requests, 'fill');
  const expected = new Map<string, string>();
  const tomorrow = new Date(Date.now() + 24 * HOUR_MS).toISOString().slice(0, 10);
  const messages: {
    reference: string;
    kind: 'closed' | 'contact_cardholder';
    pan: string;
    effectiveDate?: string;
  }[] = [];
  for (let index = 0; index < CHANGED; index++) {
    const [pan = '', result] = [pans[index], added[index]];
    assert(result !== undefined && result.status === 'added');
    const isTwice = index < CHANGED_TWICE;
    messages.push({
      reference: `1-${index}`,
      kind: isTwice ? 'contact_cardholder' : 'closed',
      pan,
    });
    if (isTwice) {
      messages.push({ reference: `2-${index}`, kind: 'closed', pan, effectiveDate: tomorrow });
    }
    expected.set(result.panid, isTwice ? 'QC' : 'C');
  }
  const results = await service.updater.recordAccountChanges(operator, organization, messages);
  assert(results.every(({ status }) => status === 'recorded'));
  await service.close();
  return expected;
}

async function inWaves<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += 500) {
    await Promise.all(items.slice(start, start + 500).map(work));
  }
}

function run(home: string, aheadMs: number): ChildProcess {
  const file = join(import.meta.dirname, 'updater-child.ts');
  const args = [...process.execArgv.filter((each) => each.startsWith('--conditions')), file];
  return spawn(process.execPath, [...args, home, String(aheadMs)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

function pendingCount(home: string): number {
  const database = new DatabaseSync(join(home, 'pantoken.db'), { readOnly: true, timeout: 5_000 });
  const count = (sql: string) => Number(database.prepare(sql).get()?.n);
  const sum =
    count("select count(*) as n from notification where state = 'pending'") +
    count('select count(*) as n from watch_mark');
  database.close();
  return sum;
}

/** Until nothing is due any more at that moment. */
async function untilQuiet(home: string, aheadMs: number): Promise<void> {
  for (let seconds = 0; seconds < 120; seconds++) {
    await wait(1_000);
    const database = new DatabaseSync(join(home, 'pantoken.db'), {
      readOnly: true,
      timeout: 5_000,
    });
    const now = Date.now() + aheadMs;
    const due = database
      .prepare(
        `select (select count(*) from watch_mark where due_at <= ?1)
           + (select count(*) from watch_entry where next_check_at <= ?1)
           + (select count(*) from notification where state = 'pending' and next_attempt_at <= ?1) as n`,
      )
      .get(now);
    database.close();
    if (Number(due?.n) === 0) return;
  }
}
