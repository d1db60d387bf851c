import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { makeLog } from '../src/log.ts';
import { openService } from '../src/service.ts';
import { checkDatabase } from '../src/store/check.ts';
import { abandonCopy } from '../src/store/copy/copy-database.ts';
import { openStore, type StorePlace, useSchema } from '../src/store/place.ts';
import { verifyAudit } from '../src/usecase/verify-audit.ts';
import { type IssuerClient, makeIssuerClient, unpad } from './harness/issuer-client.ts';
import { makePanRegistry } from './harness/pan-registry.ts';
import { makeTestDatabase } from './harness/postgres.ts';
import { injecting } from './harness/send.ts';
import { type Ending, startProgram } from './harness/server.ts';
import { startService } from './harness/service.ts';

const COPY_PROCESS = join(import.meta.dirname, 'harness/copy-process.ts');
const quiet = makeLog('error', { write: () => undefined });

const database = await makeTestDatabase();
const folder = mkdtempSync(join(tmpdir(), 'pantoken-copy-'));
after(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

interface CopyCall {
  readonly from: StorePlace;
  readonly to: StorePlace;
  readonly finish: boolean;
  readonly killAt: number;
}

/** @returns whether it was killed. */
async function copyAndKill(call: CopyCall): Promise<boolean> {
  const args = ['--conditions=pantoken-source', COPY_PROCESS, JSON.stringify(call)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const [code, signal] = await once(child, 'close');
  if (signal !== 'SIGKILL') assert.equal(code, 0, printed);
  return signal === 'SIGKILL';
}

interface LoadedCard {
  readonly organizationNumber: number;
  readonly cardNumber: string;
}

/** Creates and renews cards, until it is told to stop; keeps what was acknowledged. */
function startLoad(issuer: IssuerClient) {
  const cards: LoadedCard[] = [];
  let isStopped = false;
  let refusedCount = 0;
  const client = async (organizationNumber: number) => {
    while (!isStopped) {
      const made = await issuer.create({ organizationNumber });
      if (made.status !== 200) {
        assert.equal(made.code, 'STORE_UNAVAILABLE');
        refusedCount++;
      } else {
        const { cardNumber } = made.data;
        cards.push({ organizationNumber, cardNumber });
        await issuer.act({ organizationNumber, cardNumber, cardAction: 7 });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const clients = [100, 200, 400].map(client);
  return {
    cards,
    refusedCount: () => refusedCount,
    async stop() {
      isStopped = true;
      await Promise.all(clients);
    },
  };
}

/** In both directions. */
async function demandServed(issuer: IssuerClient, cards: readonly LoadedCard[]): Promise<void> {
  for (const { organizationNumber, cardNumber } of cards) {
    const number = await issuer.numberOf(organizationNumber, cardNumber);
    assert.equal(number.status, 200, number.text);
    const back = await issuer.tokenOf(organizationNumber, unpad(number.data.cardNumber));
    assert.equal(back.data.panToken, cardNumber);
  }
}

async function endingOf(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ending> {
  const ending = await startProgram(args, env).ended;
  assert.equal(ending.code, 0, ending.stderr);
  return ending;
}

const nameOf = (place: StorePlace) => (place.engine === 'sqlite' ? place.path : place.url);

/**
 * Copies while cards are made at the source, killed again and again; then takes the last step, killed
 * in it, too. Each kill is some operations later than the one before.
 */
async function moveUnderLoad(from: StorePlace, to: StorePlace, issuer: IssuerClient) {
  const load = startLoad(issuer);
  // The schema of the target is there, and nothing else.
  await (await openStore(to)).close();
  let killCount = 0;
  for (const killAt of [6, 30, 70, 150, 400]) {
    if (await copyAndKill({ from, to, finish: false, killAt })) killCount++;
  }
  await assert.rejects(openStore(to), /is not finished/);
  assert.ok(killCount >= 4, `${killCount} kills met the copy`);
  assert.equal(await copyAndKill({ from, to, finish: false, killAt: 0 }), false);
  const cardCount = load.cards.length;
  const caughtUp = await endingOf(['db', 'copy', '--from', nameOf(from), '--to', nameOf(to)]);
  assert.match(caughtUp.stdout, /Caught up/);
  assert.equal(load.refusedCount(), 0);
  assert.ok(load.cards.length > cardCount, 'cards were made during the copy');
  for (const killAt of [120, 180, 260]) await copyAndKill({ from, to, finish: true, killAt });
  const finished = await endingOf([
    ...['db', 'copy', '--from', nameOf(from), '--to', nameOf(to), '--finish'],
  ]);
  assert.match(finished.stdout, /organization 100: \d+ rows, digest [0-9a-f]{16}\n/);
  assert.match(finished.stdout, /Both sides are equal/);
  assert.equal((await issuer.create()).code, 'STORE_UNAVAILABLE');
  await load.stop();
  await assert.rejects(openStore(from), /was moved to another/);
  assert.deepEqual(await useSchema(to, checkDatabase), []);
  return load.cards;
}

const sqlite = await startService();
const source: StorePlace = { engine: 'sqlite', path: join(sqlite.home, 'pantoken.db') };
const postgres: StorePlace = { engine: 'postgres', url: database.url };
const back: StorePlace = { engine: 'sqlite', path: join(folder, 'back.db') };

it('moves a service to PostgreSQL and back while it makes cards, killed at any moment', async () => {
  const atFirst = await moveUnderLoad(source, postgres, sqlite.issuer);
  const onPostgres = await openService(sqlite.home, quiet, undefined, { database: postgres });
  const client = makeIssuerClient(
    injecting(() => onPostgres.app, makePanRegistry()),
    sqlite.issuer.credentials,
  );
  await demandServed(client, atFirst);
  await endingOf(['audit', 'verify', '--home', sqlite.home], {
    PANTOKEN_DATABASE_URL: database.url,
  });
  const later = await moveUnderLoad(postgres, back, client);
  await onPostgres.close();
  const again = await openService(sqlite.home, quiet, undefined, { database: back });
  const local = makeIssuerClient(
    injecting(() => again.app, makePanRegistry()),
    sqlite.issuer.credentials,
  );
  await demandServed(local, [...atFirst, ...later]);
  assert.equal((await local.create()).status, 200);
  const { archive, publicKeys, readNotes } = again.audit;
  const range = { fromMs: undefined, throughMs: undefined };
  const asked = { range, notes: readNotes(), publicKeys: publicKeys() };
  assert.deepEqual((await verifyAudit(archive, asked)).problems, []);
  await again.close();

  // Given up, a source takes writes again, and keeps nothing of the copy.
  await abandonCopy(postgres);
  assert.deepEqual(
    await database.query(`select tgname from pg_trigger where tgname like 'copy%'`),
    [],
  );
  await abandonCopy(source);
  assert.equal((await sqlite.issuer.create()).status, 200);
  assert.deepEqual(sqlite.rows(`select name from sqlite_master where name like 'copy%'`), []);
});

describe('it refuses', () => {
  const copy = async (to: string, ...more: string[]) => {
    const ending = await startProgram(['db', 'copy', '--from', nameOf(source), '--to', to, ...more])
      .ended;
    assert.equal(ending.code, 1);
    return ending.stderr;
  };

  it('a target that holds another service', async () => {
    const other = await startService();
    assert.match(await copy(join(other.home, 'pantoken.db')), /the target is not empty/);
    assert.equal((await other.issuer.create()).status, 200);
  });

  it('a target of another copy', async () => {
    const first = join(folder, 'first.db');
    const second = join(folder, 'second.db');
    await endingOf(['db', 'copy', '--from', nameOf(source), '--to', first]);
    await endingOf(['db', 'copy', '--from', nameOf(source), '--to', second]);
    assert.match(await copy(first), /belongs to another copy/);
    await abandonCopy(source);
  });

  it('schemas that differ', async () => {
    const path = join(folder, 'older.db');
    await (await openStore({ engine: 'sqlite', path })).close();
    const older = new DatabaseSync(path);
    older.exec(
      'delete from schema_version where version = (select max(version) from schema_version)',
    );
    assert.match(await copy(path), /the target has an older schema/);
    older.exec('insert into schema_version (version, applied_at) values (9999, 0)');
    older.close();
    assert.match(await copy(path), /use a newer program/);
  });

  it('a target that is the source, and a source that is not there', async () => {
    assert.match(await copy(nameOf(source)), /are the same/);
    const args = ['db', 'copy', '--from', join(folder, 'none.db'), '--to', join(folder, 'new.db')];
    assert.match((await startProgram(args).ended).stderr, /there is no database/);
  });

  it('to finish when a row of the target was changed by hand; the source takes writes again', async () => {
    const path = join(folder, 'edited.db');
    await endingOf(['db', 'copy', '--from', nameOf(source), '--to', path]);
    const edited = new DatabaseSync(path);
    edited.exec(`update card set expiry = expiry + 1 where organization = 100`);
    // A copy compares rows that changed since; these say that theirs were never compared.
    edited.exec(`update copy_chunk set target_digest = null where tbl = 'card'`);
    edited.close();
    assert.match(await copy(path, '--finish'), /differ in card \[100\]/);
    assert.equal((await sqlite.issuer.create()).status, 200);
    await abandonCopy(source);
  });
});
