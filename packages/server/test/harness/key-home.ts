import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { ORGANIZATIONS } from '../../src/cli/sandbox-plan.ts';
import type { Caller } from '../../src/domain/caller.ts';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import { Pan } from '../../src/domain/pan.ts';
import { type OpenedHome, sqliteIn } from '../../src/opened-home.ts';
import { createService } from '../../src/service.ts';
import type { StorePlace } from '../../src/store/place.ts';
import { openDetails } from '../../src/usecase/card-details.ts';
import { findByNumber, findByToken } from '../../src/usecase/find-number.ts';
import { openTestHome, QUIET } from './key-tools.ts';
import { makeTestDatabase, queryOnce } from './postgres.ts';
import { operator } from './service.ts';
import { addWatches, demandWatches } from './watches.ts';
import { readRows } from './written-files.ts';

/** A card as its issuer remembers it. */
export interface KnownCard {
  readonly pan: string;
  /** What it was given when it was made. */
  readonly token: string;
}

/** A service that does not run, its files and its database. */
export interface KeyPlace {
  readonly home: string;
  readonly database: StorePlace;
  rows(sql: string): Promise<readonly Record<string, unknown>[]>;
}

/** Such a service with cards in organization 100, in SQLite. */
export interface KeyHome extends KeyPlace {
  readonly cards: readonly KnownCard[];
  /** A folder with a copy of it. */
  copy(): string;
  /** The same, and its database where that is not in the folder. */
  copyPlace(): Promise<KeyPlace>;
}

export const KEY_ORGANIZATION = 100 as OrganizationNumber;

/** Watched cards beside them: they are under keys of the service. */
const WATCHES = 3;

export const KEY_ENGINES = ['sqlite', 'postgres'] as const;
export type KeyEngine = (typeof KEY_ENGINES)[number];

/** Makes a service with so many cards in one organization; it is gone when the file's tests end. */
export async function makeKeyHome(
  cardCount: number,
  engine: KeyEngine = 'sqlite',
): Promise<KeyHome> {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-keys-'));
  after(() => rmSync(folder, { recursive: true }));
  const home = join(folder, 'service');
  const place = engine === 'sqlite' ? sqlitePlace(home) : await firstPostgresPlace(home);
  const { database } = place;
  const service = await createService(home, QUIET, { database });
  const [first] = ORGANIZATIONS;
  assert(first);
  await service.register.addOrganization(operator, first.organization, first.ranges);
  const { caller } = await service.register.addCaller(operator, {
    name: 'issuer',
    clientId: '00970',
    pciCertified: true,
    organizations: new Set([KEY_ORGANIZATION]),
  });
  const made = Array.from({ length: cardCount }, (_, index) => addCard(service, caller, index));
  const cards = await Promise.all(made);
  await service.close();
  const opened = await openTestHome(home, database);
  await addWatches(opened, WATCHES);
  await opened.close();
  let copies = 0;
  function copy(): string {
    const copied = join(folder, `copy-${++copies}`);
    cpSync(home, copied, { recursive: true });
    return copied;
  }
  return {
    ...place,
    cards,
    copy,
    async copyPlace() {
      const copied = copy();
      if (database.engine === 'sqlite') return sqlitePlace(copied);
      return copyPostgresPlace(database.url, copied, `copy_${copies}`);
    },
  };
}

/** A service that keeps its database in its folder. */
export function sqlitePlace(home: string): KeyPlace {
  return { home, database: sqliteIn(home), rows: async (sql) => readRows(home, sql) };
}

async function firstPostgresPlace(home: string): Promise<KeyPlace> {
  const { url, close } = await makeTestDatabase();
  after(close);
  return postgresPlace(home, url);
}

function postgresPlace(home: string, url: string): KeyPlace {
  const database = { engine: 'postgres', url } as const;
  return { home, database, rows: (sql) => queryOnce(url, sql) };
}

async function copyPostgresPlace(url: string, home: string, name: string): Promise<KeyPlace> {
  const admin = new URL(url);
  const template = admin.pathname.slice(1);
  admin.pathname = '/postgres';
  await queryOnce(String(admin), `create database ${template}_${name} template ${template}`);
  const copied = new URL(url);
  copied.pathname = `/${template}_${name}`;
  return postgresPlace(home, String(copied));
}

async function addCard(
  { createCard }: Pick<Awaited<ReturnType<typeof createService>>, 'createCard'>,
  caller: Caller,
  index: number,
): Promise<KnownCard> {
  const pan = Pan.withCheckDigit(`540208${String(index).padStart(9, '0')}`);
  const details = { accountNumber: String(index) };
  const request = { organization: KEY_ORGANIZATION, pan, sequence: 1, details };
  const { token } = await createCard(caller, request, 'made');
  return { pan: pan.reveal(), token };
}

const NO_TRAIL = {
  note: () => undefined,
  countSeen: () => undefined,
  spend: () => undefined,
  tripBait: () => undefined,
  commit: () => Promise.reject(new Error('nothing is written here')),
  demandCommit: () => Promise.reject(new Error('nothing is written here')),
};

/**
 * Every card is found by its number, by the token it was given first, and by the one it has now; it
 * gives its own number and details; and no token stands for two numbers.
 *
 * @returns how many cards have a token of each epoch.
 */
export async function demandAllReadable(
  { home, database, rows }: KeyPlace,
  known: readonly KnownCard[],
): Promise<ReadonlyMap<number, number>> {
  const opened = await openTestHome(home, database);
  const counts = new Map<number, number>();
  try {
    for (const [index, card] of known.entries()) {
      const epoch = await demandReadable(opened, card, String(index));
      counts.set(epoch, (counts.get(epoch) ?? 0) + 1);
    }
    assert.equal(await demandWatches(opened), WATCHES);
    demandCallers(opened);
  } finally {
    await opened.close();
  }
  const [tokens] = await rows(
    `select count(*) as n, count(distinct epoch || ' ' || token) as d from
       (select epoch, token from card_number union all select epoch, token from replaced_token) t`,
  );
  assert.equal(tokens?.n, tokens?.d, 'a token is there twice');
  const [numbers] = await rows('select count(*) as n from card_number');
  assert.equal(Number(numbers?.n), known.length);
  return counts;
}

/** Their secrets open; without them no caller signs in. */
function demandCallers({ directory, credentials }: OpenedHome): void {
  for (const { id } of directory.listCallers()) {
    for (const registered of directory.listCredentials(id)) {
      assert.equal(credentials.isSecret(registered, 'not it'), false);
    }
  }
}

async function demandReadable(
  opened: OpenedHome,
  { pan, token }: KnownCard,
  accountNumber: string,
): Promise<number> {
  const organization = opened.directory.findOrganization(KEY_ORGANIZATION);
  assert(organization);
  const byNumber = await findByNumber(opened, organization, Pan.parse(pan), NO_TRAIL);
  assert.equal(byNumber.pan.reveal(), pan);
  for (const each of new Set([token, byNumber.record.token])) {
    const byToken = await findByToken(opened, organization, each, NO_TRAIL);
    assert.equal(byToken.pan.reveal(), pan);
  }
  const [card] = await opened.cards.listCards(KEY_ORGANIZATION, byNumber.record.id);
  assert(card);
  assert.equal(openDetails(opened.keyring, byNumber.record, card).accountNumber, accountNumber);
  return byNumber.record.epoch;
}
