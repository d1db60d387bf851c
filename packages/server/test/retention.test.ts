import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import type { OrganizationNumber } from '../src/domain/organization-number.ts';
import { backupSqlite } from '../src/store/backup-sqlite.ts';
import { copyDatabase } from '../src/store/copy/copy-database.ts';
import { makeLedger } from '../src/store/ledger.ts';
import { openStore, type StorePlace } from '../src/store/place.ts';
import { makeIssuerClient, unpad } from './harness/issuer-client.ts';
import { freshPan } from './harness/numbers.ts';
import { makePostgresServer, queryOnce } from './harness/postgres.ts';
import { readAside } from './harness/read-aside.ts';
import { startProgram } from './harness/server.ts';
import { operator, startService } from './harness/service.ts';
import { addition, auditOf, numberRecord } from './store-contract.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const ORGANIZATION = 100 as OrganizationNumber;

const server = await startService();
const { merchant, service } = server;
const { deleteCards, retention } = service;
const folder = mkdtempSync(join(tmpdir(), 'pantoken-retention-'));
after(() => rmSync(folder, { recursive: true }));

/** The clock moves on, and access tokens expire. */
const signedIn = () => makeIssuerClient(server.send, server.issuer.credentials);

/** @returns the number of a new card. */
async function newCard(organizationNumber = 100): Promise<{ token: string; pan: string }> {
  const issuer = signedIn();
  const made = await issuer.create({ organizationNumber });
  assert.equal(made.status, 200, made.text);
  const token = unpad(made.data.cardNumber);
  const pan = unpad((await issuer.numberOf(organizationNumber, token)).data.cardNumber);
  return { token, pan };
}

const close = (token: string, organization = ORGANIZATION) =>
  service.changeAccount(operator, {
    ...{ organization, card: { kind: 'token', token }, kind: 'closed' },
  });

async function sweepAll(): Promise<void> {
  while (await retention.sweep());
}

const isDeleted = async (token: string, organizationNumber = 100) => {
  const { status, code, text } = await signedIn().numberOf(organizationNumber, token);
  // Whatever else it is refused for would look like a card that is still there.
  assert.ok(status === 200 || code === 'CARD_DELETED', text);
  return code === 'CARD_DELETED';
};

describe('cards of an organization', () => {
  it('are kept while it has no rule', async () => {
    const { token } = await newCard();
    await close(token);
    server.moveClock(4_000 * DAY_MS);
    await sweepAll();
    assert.equal((await signedIn().numberOf(100, token)).status, 200);
    await assert.rejects(deleteCards.deleteDue(operator, ORGANIZATION, 'delete'), {
      code: 'RETENTION_NOT_SET',
    });
    await deleteCards.deleteByToken(operator, ORGANIZATION, [token], 'delete');
  });

  it('are deleted so many days after they were closed, and not before', async () => {
    await deleteCards.setRetention(operator, ORGANIZATION, 30);
    const closed = await newCard();
    const open = await newCard();
    await close(closed.token);
    server.moveClock(29 * DAY_MS);
    await sweepAll();
    assert.equal(await isDeleted(closed.token), false);
    server.moveClock(2 * DAY_MS);
    assert.deepEqual(await deleteCards.deleteDue(operator, ORGANIZATION, 'dry-run'), {
      ...{ numberCount: 1, cardCount: 1, unknownCount: 0 },
    });
    assert.equal(await isDeleted(closed.token), false, 'a dry run deletes nothing');
    await sweepAll();
    assert.equal(await isDeleted(closed.token), true);
    assert.equal((await signedIn().numberOf(100, open.token)).status, 200);
    const records = server.audit().filter(({ action }) => action === 'delete_card');
    assert.equal(records.at(-1)?.token, closed.token);
    assert.equal(records.at(-1)?.who, 'retention');
  });

  it('are deleted so many days after the month they expire in', async () => {
    const issuer = signedIn();
    const expirationDate = new Date(server.nowMs() + 40 * DAY_MS).toISOString().slice(0, 10);
    const { data } = await issuer.create({ expirationDate });
    server.moveClock(40 * DAY_MS);
    await sweepAll();
    assert.equal(await isDeleted(unpad(data.cardNumber)), false);
    server.moveClock(62 * DAY_MS);
    await sweepAll();
    assert.equal(await isDeleted(unpad(data.cardNumber)), true);
  });

  it('of a lineage go one after the other, the oldest first', async () => {
    const first = await newCard();
    const second = await signedIn().act({ cardNumber: first.token, cardAction: 3 });
    const token = unpad(second.data.cardNumber);
    await close(token);
    const counts = await deleteCards.deleteByToken(operator, ORGANIZATION, [token], 'dry-run');
    assert.deepEqual(counts, { numberCount: 2, cardCount: 2, unknownCount: 0 });
    // A merchant is led to the newest for as long as both are there.
    server.moveClock(31 * DAY_MS);
    await deleteCards.deleteDue(operator, ORGANIZATION, 'delete');
    assert.deepEqual([await isDeleted(first.token), await isDeleted(token)], [true, true]);
    assert.equal((await merchant.validate(first.pan)).status, 'P');
  });
});

describe('what was deleted', () => {
  it('answers a code of its own, in both directions, and is never given again', async () => {
    for (const organizationNumber of [100, 200, 400]) {
      const { token, pan } = await newCard(organizationNumber);
      const organization = organizationNumber as OrganizationNumber;
      await deleteCards.deleteByToken(operator, organization, [token], 'delete');
      const issuer = signedIn();
      assert.equal((await issuer.numberOf(organizationNumber, token)).code, 'CARD_DELETED');
      assert.equal((await issuer.tokenOf(organizationNumber, pan)).code, 'CARD_DELETED');
      const again = await issuer.create({ organizationNumber, cardNumber: pan });
      assert.equal(again.code, 'NUMBER_DELETED', again.text);
      const acted = await issuer.act({ organizationNumber, cardNumber: token, cardAction: 3 });
      assert.equal(acted.code, 'CARD_DELETED');
      assert.deepEqual(await deleteCards.deleteByToken(operator, organization, [token], 'delete'), {
        numberCount: 0,
        cardCount: 0,
        unknownCount: 1,
      });
    }
  });

  it('takes no other number with it', async () => {
    const { token } = await newCard();
    const pan = freshPan();
    await signedIn().create({ cardNumber: pan });
    await deleteCards.deleteByToken(operator, ORGANIZATION, [token], 'delete');
    assert.equal((await signedIn().tokenOf(100, pan)).status, 200);
  });

  it('leaves nothing sealed in the files of the database, its backup or its copy', async () => {
    const made = await Promise.all(Array.from({ length: 400 }, () => newCard()));
    const half = made.filter((_, index) => index % 2 === 0).map(({ token }) => token);
    const list = half.map((token) => `'${token}'`).join(',');
    const sealed = server
      .rows(
        `select sealed_pan, pan_index, sealed_details from card_number join card
         on card.organization = card_number.organization and card.number_id = card_number.number_id
         where card_number.organization = 100 and token in (${list})`,
      )
      .flatMap((row) => Object.values(row) as Uint8Array[]);
    assert.equal(sealed.length, 3 * half.length);
    assert.ok(countIn(server.home, /^pantoken\.db/, sealed) > 0, 'they were there');
    await deleteCards.deleteByToken(operator, ORGANIZATION, half, 'delete');
    await untilClear();
    assert.equal(countIn(server.home, /^pantoken\.db/, sealed), 0);
    const tokens = half.map((token) => Buffer.from(token));
    const kept = server.rows(`select records from audit_block`).map(({ records }) => records);
    assert.match(String(kept), new RegExp(half[0] ?? ''), 'the audit names tokens');
    assert.equal(
      Number(server.rows(`select count(*) as n from card_number where token in (${list})`)[0]?.n),
      0,
    );
    assert.equal(tokens.length, 200);
    const path = join(server.home, 'pantoken.db');
    await backupSqlite(path, join(folder, 'backup.db'));
    const to: StorePlace = { engine: 'sqlite', path: join(folder, 'copy.db') };
    await (await openStore(to)).close();
    await copyDatabase({ from: { engine: 'sqlite', path }, to, finish: false }, () => undefined);
    assert.equal(countIn(folder, /\.db/, sealed), 0);
  });

  it('ends what merchants watch of it', async () => {
    const { token, pan } = await newCard();
    const vault = service.updater.vault.numberIndex;
    const database = new DatabaseSync(join(server.home, 'pantoken.db'), { timeout: 5_000 });
    const { current: panIndex } = vault({ reveal: () => pan } as never);
    database
      .prepare(
        `insert into watch_entry (panid, merchant, pan_index, sealed, next_check_at, created_at,
           notification_count, failure_count, claimed_until, claim_count, fence, ended)
         values ('watched', 'm', ?, x'aabbccddeeff', 0, 0, 0, 0, 0, 0, 0, 0)`,
      )
      .run(panIndex);
    database.close();
    await deleteCards.deleteByToken(operator, ORGANIZATION, [token], 'delete');
    const [row] = server.rows(`select ended, pan_index, length(sealed) as n from watch_entry`);
    assert.deepEqual({ ...row }, { ended: 1, pan_index: null, n: 0 });
  });

  it('is deleted by pantoken cards delete, beside the service, and counted first', async () => {
    const made = [await newCard(), await newCard()];
    const file = join(folder, 'tokens.txt');
    writeFileSync(file, `${made.map(({ token }) => token).join('\n')}\n`);
    const run = (...more: string[]) =>
      startProgram(['cards', 'delete', '--home', server.home, '--organization', '100', ...more])
        .ended;
    const dry = await run('--tokens', file, '--dry-run');
    assert.equal(dry.stdout, '2 numbers with 2 cards would be deleted.\n', dry.stderr);
    assert.equal((await run('--tokens', file)).stdout, '2 numbers with 2 cards deleted.\n');
    assert.equal(await isDeleted(made[0]?.token ?? ''), true);
    assert.match((await run()).stderr, /name --due, or tokens/);
    const retain = ['cards', 'retention', '--home', server.home, '--organization', '100'];
    const kept = await startProgram([...retain, '--keep']).ended;
    assert.equal(kept.stdout, 'Cards of organization 100 are kept.\n');
  });
});

/** How many of the values stand in the files of a folder. */
function countIn(where: string, names: RegExp, values: readonly Uint8Array[]): number {
  const files = readdirSync(where).filter((name) => names.test(name));
  const bytes = Buffer.concat(files.map((name) => readAside(join(where, name))));
  return values.filter((value) => bytes.includes(Buffer.from(value))).length;
}

/** The write-ahead log is emptied with a deletion, or with one of the next commits. */
async function untilClear(): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    await newCard();
    const { length } = readAside(join(server.home, 'pantoken.db-wal'));
    if (length < 100_000) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('on both engines', async () => {
  const postgres = await makePostgresServer();
  await postgres.start();
  after(() => postgres.stop());
  const places: readonly StorePlace[] = [
    { engine: 'sqlite', path: join(folder, 'names.db') },
    { engine: 'postgres', url: postgres.url('postgres') },
  ];
  const names = (fill: number) => [Buffer.alloc(32, fill), Buffer.alloc(32, fill + 1)] as const;

  for (const place of places) {
    it(`a number or token that was deleted is not given again: ${place.engine}`, async () => {
      const store = await openStore(place);
      const ledger = makeLedger(store.committer);
      const commit = (changes: Parameters<typeof ledger.commit>[0]['changes']) =>
        ledger.commit({ changes, audit: auditOf(ORGANIZATION) });
      const record = numberRecord();
      const [number, token] = names(1);
      const remove = {
        kind: 'delete_number',
        ...{ organization: ORGANIZATION, numberId: record.id, atMs: 1, names: [number, token] },
        watchIndex: [Buffer.alloc(32), Buffer.alloc(32)],
      } as const;
      assert.deepEqual(await commit(addition(record)), { committed: true });
      assert.deepEqual(await commit([remove]), { committed: true });
      assert.deepEqual(await commit([remove]), { committed: false, conflict: 'name_deleted' });
      for (const given of [[number, names(9)[0]] as const, [names(9)[0], token] as const]) {
        const [add, card] = addition(numberRecord());
        assert(add?.kind === 'add_number' && card);
        const outcome = await commit([{ ...add, names: given }, card]);
        assert.deepEqual(outcome, { committed: false, conflict: 'name_deleted' });
      }
      await store.close();
    });
  }

  it('PostgreSQL: a rewritten table holds nothing of it', async () => {
    const url = postgres.url('postgres');
    const store = await openStore({ engine: 'postgres', url });
    const ledger = makeLedger(store.committer);
    const records = Array.from({ length: 50 }, () => numberRecord());
    for (const [index, record] of records.entries()) {
      await ledger.commit({ changes: addition(record), audit: auditOf(ORGANIZATION) });
      const place = { organization: ORGANIZATION, numberId: record.id, atMs: 1 };
      const digests = names(100 + 2 * index);
      const remove = { kind: 'delete_number', ...place, names: digests } as const;
      const changes = [{ ...remove, watchIndex: [Buffer.alloc(32), Buffer.alloc(32)] as const }];
      await ledger.commit({ changes, audit: auditOf(ORGANIZATION) });
    }
    await store.close();
    await queryOnce(url, 'checkpoint');
    const sealed = records.map(({ sealedPan }) => sealedPan.bytes);
    const base = join(postgres.folder, 'data/base');
    assert.ok(countBelow(base, sealed) > 0, 'deleted rows stay in the file for a while');
    for (const table of ['card_number', 'card']) await queryOnce(url, `vacuum full ${table}`);
    await queryOnce(url, 'checkpoint');
    assert.equal(countBelow(base, sealed), 0);
  });
});

function countBelow(where: string, values: readonly Uint8Array[]): number {
  const files = readdirSync(where, { withFileTypes: true, recursive: true });
  const bytes = Buffer.concat(
    files
      .filter((each) => each.isFile())
      .map((each) => readFileSync(join(each.parentPath, each.name))),
  );
  return values.filter((value) => bytes.includes(Buffer.from(value))).length;
}
