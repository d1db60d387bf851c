import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ORGANIZATIONS } from '../../src/cli/sandbox-plan.ts';
import type { AuditRecord } from '../../src/domain/audit-record.ts';
import type { Right } from '../../src/domain/caller.ts';
import { makeLog } from '../../src/log.ts';
import { createService } from '../../src/service.ts';
import type { StorePlace } from '../../src/store/place.ts';
import { makeIssuerClient } from '../harness/issuer-client.ts';
import { makeMerchantClient } from '../harness/merchant-client.ts';
import { BIN, freshPan } from '../harness/numbers.ts';
import { makePanRegistry } from '../harness/pan-registry.ts';
import { freePort, makeTestDatabase } from '../harness/postgres.ts';
import { startReceiver } from '../harness/receiver.ts';
import { operator } from '../harness/service.ts';
import { testCertificates } from '../harness/simulated-schemes.ts';
import { type Connection, connectTo, startWorkers, until } from '../harness/workers.ts';
import { readRows } from '../harness/written-files.ts';

const CARDS = 300;
/** The first check comes within a day, the next one after fifteen. */
const UNCHECKED = `next_check_at < ${Date.now() + 2 * 24 * 60 * 60 * 1000}`;
const certificates = testCertificates();
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
const database = await makeTestDatabase();
after(() => database.close());

for (const engine of ['sqlite', 'postgres'] as const) {
  it(`two workers on one ${engine} see what the other changes, and tell of each watched card once`, async (t) => {
    const place = engine === 'postgres' ? ({ engine, url: database.url } as const) : undefined;
    const receiver = await startReceiver(certificates, privateKey);
    const service = await makeService(place, receiver.url);
    after(() => rmSync(service.home, { recursive: true }));
    const rows = async (sql: string) =>
      place === undefined ? readRows(service.home, sql) : database.query(sql);
    const workers = await startWorkers(service.home, await freePort(), place);
    const open = async () => {
      const connection = connectTo(workers.url);
      const chain = await chainOf(connection, service.issuer, rows);
      return { connection, chain, ...clientsOn(connection, service) };
    };
    // Each worker writes an audit chain of its own: that is how the two are told apart.
    const one = await open();
    let two = await open();
    await until(async () => {
      if (two.chain !== one.chain) return true;
      two.connection.close();
      two = await open();
      return false;
    }, 'one worker answers everything');

    // A card that one has made is the other's as well, and so is its place on the watchlist.
    const pans = Array.from({ length: CARDS }, () => freshPan(BIN.mastercard));
    await inTurn(pans, [one, two], async ({ issuer }, pan) => {
      const made = await issuer.create({ cardNumber: pan, expirationDate: '2030-11-30' });
      assert.equal(made.status, 200, made.text);
    });
    const watched = await one.watch(pans.slice(0, CARDS / 2), 'by-one');
    assert.deepEqual((await two.panidsOf('by-one')).toSorted(), watched.toSorted());
    const again = await two.watch(pans, 'by-two');
    assert.deepEqual(again.slice(0, CARDS / 2), watched);
    assert.equal(new Set(again).size, CARDS);

    // All of them are due at once, for both: each is checked by one of them, once.
    await service.makeDue(place === undefined ? undefined : database.query);
    const unchecked = `select count(*) as n from watch_entry where ${UNCHECKED}`;
    await until(async () => Number((await rows(unchecked))[0]?.n) === 0, 'a card is not checked');
    const checked = (await recordsOf(rows, 'check_watch')).map(({ panid }) => panid ?? '');
    assert.deepEqual(checked.toSorted(), again.toSorted());

    // What one takes from the issuer, the other answers with, and the merchant is told of, once.
    const [asked = ''] = pans;
    assert.equal((await two.merchant.validate(asked)).status, 'V');
    await one.change(pans);
    assert.equal((await two.merchant.validate(asked)).status, 'C');
    const told = () => receiver.received.length;
    await until(async () => told() >= CARDS, 'something is not told');
    await sleep(2_500); // More than one round of each: what was told twice would come now.
    const panids = receiver.received.map(({ fields }) => fields.panid);
    assert.deepEqual(panids.toSorted(), again.toSorted());
    const checks = Map.groupBy(await recordsOf(rows, 'check_watch'), ({ chain }) => chain);
    t.diagnostic(`checks by worker: ${[...checks.values()].map(({ length }) => length)}`);

    assert.equal((await two.victim.create()).status, 200);
    await one.disableVictim();
    const startedAt = performance.now();
    const isOut = async () => (await two.victim.create()).code === 'CREDENTIALS_INVALID';
    await until(isOut, 'a caller that one has disabled is let in by the other');
    t.diagnostic(`out with the other after ${Math.round(performance.now() - startedAt)} ms`);
    one.connection.close();
    two.connection.close();
    assert.equal((await workers.stop()).code, 0);
  });
}

type Rows = (sql: string) => Promise<readonly Record<string, unknown>[]>;
type TestService = Awaited<ReturnType<typeof makeService>>;

/** A service that does not run: an issuer that manages, another caller, and a merchant with a receiver. */
async function makeService(place: StorePlace | undefined, url: string) {
  const home = mkdtempSync(join(tmpdir(), 'pantoken-workers-'));
  const log = makeLog('error', { write: (line: string) => void process.stderr.write(line) });
  const notifications = { allowedHosts: ['localhost'], caFile: 'ca.pem', timeoutMs: 20_000 };
  writeFileSync(join(home, 'ca.pem'), certificates.ca);
  writeFileSync(join(home, 'updater.json'), JSON.stringify({ notifications }));
  const { register, updater, close, publicKeyPem } = await createService(home, log, {
    ...(place && { database: place }),
  });
  const [planned] = ORGANIZATIONS;
  assert(planned);
  const { organization, ranges } = planned;
  await register.addOrganization(operator, organization, ranges);
  const addCaller = async (name: string, clientId: string, rights: ReadonlySet<Right>) => {
    const organizations = new Set([organization.number]);
    const given = { name, clientId, pciCertified: true, organizations, rights };
    const { apikey, secret } = await register.addCaller(operator, given);
    return { name, clientId, apikey, secret };
  };
  const issuer = await addCaller('issuer', '1', new Set<Right>(['issue', 'manage']));
  const victim = await addCaller('victim', '2', new Set<Right>(['issue']));
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  const { merchant, apiKey } = await register.addMerchant(operator, {
    ...{ name: 'merchant', publicKeyPem: pem, algorithm: 'rsa-v1_5' },
  });
  await updater.setNotification(operator, 'merchant', { url, signed: false });
  await close();
  const privateKeyPem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const credentials = { merchantid: merchant.id, apiKey, privateKeyPem };
  return {
    ...{ home, issuer, victim },
    merchant: { ...credentials, servicePublicKeyPem: publicKeyPem },
    /** Every watched card, but those that were due by themselves and are in hand. */
    async makeDue(query: Rows | undefined): Promise<void> {
      const sql = `update watch_entry set next_check_at = 1 where claimed_until = 0 and ${UNCHECKED}`;
      if (query !== undefined) return void (await query(sql));
      const file = new DatabaseSync(join(home, 'pantoken.db'), { timeout: 5_000 });
      file.exec(sql);
      file.close();
    },
  };
}

/** All that is sent goes to one worker. */
function clientsOn({ send }: Connection, service: TestService) {
  const issuer = makeIssuerClient(send, service.issuer);
  const merchant = makeMerchantClient(send, makePanRegistry(), service.merchant);
  const { merchantid } = service.merchant;
  const headers = merchant.headers();
  return {
    ...{ issuer, merchant, victim: makeIssuerClient(send, service.victim) },
    async watch(pans: readonly string[], customreference: string): Promise<readonly string[]> {
      const card = { expmonth: '11', expyear: '2030', customreference };
      const body = JSON.stringify({ pans: pans.map((pan) => ({ pan, ...card })), merchantid });
      const path = '/api/cu/addwatchlist';
      const reply = await send({ method: 'POST', path, headers, body });
      const added: readonly { readonly panid: string }[] = JSON.parse(reply.text).pans;
      return added.map(({ panid }) => panid);
    },
    async panidsOf(reference: string): Promise<readonly string[]> {
      const path = `/api/cu/panids?customreference=${reference}&merchantid=${merchantid}`;
      return JSON.parse((await send({ method: 'GET', path, headers })).text).panids;
    },
    async change(pans: readonly string[]): Promise<void> {
      const changes = pans.map((pan, index) => ({ reference: `c-${index}`, kind: 'closed', pan }));
      const body = JSON.stringify({ organizationNumber: 100, changes });
      const reply = await send({
        ...{ method: 'POST', path: '/v1/account-changes', body },
        headers: await issuer.headers(),
      });
      assert.equal(reply.status, 200, reply.text);
    },
    async disableVictim(): Promise<void> {
      const reply = await send({
        ...{ method: 'POST', path: '/v1/callers/disable', body: '{"name":"victim"}' },
        headers: await issuer.headers(),
      });
      assert.equal(reply.status, 200, reply.text);
    },
  };
}

/** The audit chain of the worker behind a connection. */
async function chainOf(
  { send }: Connection,
  credentials: TestService['issuer'],
  rows: Rows,
): Promise<string> {
  const { headers, status } = await makeIssuerClient(send, credentials).create();
  assert.equal(status, 200);
  const found = (await recordsOf(rows, 'create_card')).find(
    ({ requestId }) => requestId === headers['x-request-id'],
  );
  assert(found);
  return found.chain;
}

/** What was done, each with the chain it stands in. */
async function recordsOf(
  rows: Rows,
  action: AuditRecord['action'],
): Promise<readonly (AuditRecord & { readonly chain: string })[]> {
  const blocks = await rows('select chain, records from audit_block');
  return blocks.flatMap(({ chain, records }) =>
    String(records)
      .split('\n')
      .map((line) => ({ ...(JSON.parse(line) as AuditRecord), chain: String(chain) }))
      .filter((record) => record.action === action),
  );
}

/** Some at once, each half to one of them. */
async function inTurn<T>(
  items: readonly string[],
  workers: readonly T[],
  work: (worker: T, item: string) => Promise<void>,
): Promise<void> {
  await Promise.all(
    workers.map(async (worker, turn) => {
      const own = items.filter((_, index) => index % workers.length === turn);
      for (const item of own) await work(worker, item);
    }),
  );
}
