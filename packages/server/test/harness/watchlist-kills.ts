import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { ORGANIZATIONS } from '../../src/cli/sandbox-plan.ts';
import { parseExpiry } from '../../src/domain/expiry.ts';
import { Pan } from '../../src/domain/pan.ts';
import { makeLog } from '../../src/log.ts';
import { createService, openService } from '../../src/service.ts';
import { BIN, freshPan } from './numbers.ts';
import { type Received, startReceiver } from './receiver.ts';
import { testCertificates } from './simulated-schemes.ts';

const HOUR_MS = 60 * 60 * 1000;
const operator = { who: 'operator', requestId: 'test' } as const;

export interface KillPlan {
  readonly cards: number;
  /** Half of them is changed as a rule; the first ones twice, the first of those on a later day. */
  readonly changed: number;
  readonly changedTwice: number;
  readonly changedLater: number;
  readonly kills: number;
}

/** What came of it. `duplicates`: notifications that were acknowledged more than once. */
export interface KillReport {
  readonly watched: number;
  readonly changed: number;
  readonly kills: number;
  readonly posts: number;
  readonly acknowledged: number;
  readonly notifications: number;
  readonly duplicates: number;
  readonly missing: number;
  readonly disordered: number;
  readonly invented: number;
}

/**
 * Watched cards, some of them changed, a receiver that fails a third of the time, and a process that
 * checks and delivers and is killed in the middle of it, again and again, until all is told.
 */
export async function killWhileTelling(plan: KillPlan): Promise<KillReport> {
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
  const publicKeyPem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  const expected = await fill(home, receiver.url, publicKeyPem, plan);

  let answered = 0;
  receiver.answer(() => (++answered % 3 === 0 ? 503 : 200));
  let aheadMs = 0;
  let killCount = 0;
  while (pendingCount(home) > 0 || aheadMs <= 30 * HOUR_MS) {
    const child = run(home, aheadMs);
    if (killCount < plan.kills) await untilBusy(receiver.received, plan.changed, 100 * killCount);
    else await untilQuiet(home, aheadMs);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    killCount++;
    aheadMs += (killCount < plan.kills ? 1 : 12) * HOUR_MS;
  }
  rmSync(folder, { recursive: true });
  return report(plan, expected, receiver.received, killCount);
}

/** In the middle of checks and deliveries, not before the first of them. */
async function untilBusy(received: readonly unknown[], changed: number, moreMs: number) {
  const wanted = received.length + Math.min(100, changed / 10);
  for (let tries = 0; tries < 300 && received.length < wanted; tries++) await wait(50);
  await wait(moreMs);
}

function report(
  plan: KillPlan,
  expected: ReadonlyMap<string, string>,
  received: readonly Received[],
  kills: number,
): KillReport {
  const acknowledged = received.filter(({ status }) => status === 200);
  const byPanid = Map.groupBy(received, ({ fields }) => fields.panid ?? '');
  let missing = 0;
  let disordered = 0;
  for (const [panid, letters] of expected) {
    const all = byPanid.get(panid) ?? [];
    const seen = all.map(({ fields }) => fields.status);
    const first = seen.filter((letter, index) => letter !== seen[index - 1]);
    if (first.join('') !== letters) disordered++;
    const ok = all.filter(({ status }) => status === 200);
    if (new Set(ok.map(({ fields }) => fields.status)).size !== letters.length) missing++;
  }
  const notifications = new Set(acknowledged.map(({ requestId }) => requestId)).size;
  return {
    ...{ watched: plan.cards, changed: expected.size, kills, posts: received.length },
    ...{ acknowledged: acknowledged.length, notifications },
    ...{ duplicates: acknowledged.length - notifications, missing, disordered },
    invented: [...byPanid.keys()].filter((panid) => !expected.has(panid)).length,
  };
}

/** @returns what has to be told, by panid, in order. */
async function fill(
  home: string,
  url: string,
  publicKeyPem: string,
  plan: KillPlan,
): Promise<Map<string, string>> {
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
  const pans = Array.from({ length: plan.cards }, () => freshPan(BIN.mastercard));
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
  for (let index = 0; index < plan.changed; index++) {
    const [pan = '', result] = [pans[index], added[index]];
    assert(result !== undefined && result.status === 'added');
    const isTwice = index < plan.changedTwice;
    messages.push({
      reference: `1-${index}`,
      kind: isTwice ? 'contact_cardholder' : 'closed',
      pan,
    });
    if (isTwice) {
      const later = index < plan.changedLater && { effectiveDate: tomorrow };
      messages.push({ reference: `2-${index}`, kind: 'closed', pan, ...later });
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
    count('select count(*) as n from change_feed');
  database.close();
  return sum;
}

/** Until nothing is due any more at that moment. */
async function untilQuiet(home: string, aheadMs: number): Promise<void> {
  for (let looks = 0; looks < 480; looks++) {
    await wait(250);
    const database = new DatabaseSync(join(home, 'pantoken.db'), {
      readOnly: true,
      timeout: 5_000,
    });
    const now = Date.now() + aheadMs;
    const due = database
      .prepare(
        `select (select count(*) from change_feed where due_at <= ?1)
           + (select count(*) from watch_entry where next_check_at <= ?1)
           + (select count(*) from notification n where state = 'pending' and next_attempt_at <= ?1
               and not exists (select 1 from notification earlier where earlier.panid = n.panid
                 and earlier.position < n.position and earlier.state = 'pending')) as n`,
      )
      .get(now);
    database.close();
    if (Number(due?.n) === 0) return;
  }
}
