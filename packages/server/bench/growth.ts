/**
 * `npm run bench:growth`: fills an organization with 10,000, 1,000,000 and 10,000,000 cards and prints
 * what a look-up takes and what a card takes on disk at each size, on both engines.
 *
 * The cards are made by the database itself, in the shape the service gives them: random bytes in
 * place of ciphertext and of keyed digests, since neither a look-up nor a page can tell them apart.
 * The look-ups are those of an inquiry: a number by its index, with its card, one after another. The
 * files are read once before, so that the database is in the memory of the machine at every size.
 *
 * @module
 */
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import pg from 'pg';
import type { OrganizationNumber } from '../src/domain/organization-number.ts';
import type { RecordId } from '../src/domain/record-id.ts';
import { makeCardStore } from '../src/store/card-store.ts';
import { openStore, type StorePlace } from '../src/store/place.ts';
import { makePostgresServer } from '../test/harness/postgres.ts';
import { fillSqlite, idOfSqlite, NUMBER_COLUMNS, SPREAD } from './fill-sqlite.ts';

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,1000000,10000000' },
    engines: { type: 'string', default: 'sqlite,postgres' },
    lookups: { type: 'string', default: '20000' },
  },
});

const ORGANIZATION = 100 as OrganizationNumber;
const CHUNK = 250_000;

/** One engine under growth. */
interface Engine {
  readonly place: StorePlace;
  /** Makes cards `from` .. `to - 1`. */
  fill(from: number, to: number): Promise<void>;
  /** Ids of cards drawn at random. */
  sample(size: number, count: number): Promise<readonly Uint8Array[]>;
  /** Of the card tables and their indexes. */
  bytes(): Promise<number>;
  /** Writes everything to where it stays, so that reading is not measured beside it. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

const idOfPostgres = `decode(lpad(to_hex(i), 16, '0') || lpad(to_hex(${SPREAD}), 16, '0'), 'hex')`;

async function openSqliteEngine(): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-growth-'));
  const path = join(folder, 'pantoken.db');
  const place = { engine: 'sqlite', path } as const;
  await (await openStore(place)).close();
  const database = new DatabaseSync(path);
  database.exec('pragma synchronous = off; pragma cache_size = -4000000;');
  return {
    place,
    async fill(from, to) {
      fillSqlite(database, from, to);
    },
    async sample(size, count) {
      const find = database.prepare(`select ${idOfSqlite} as id from (select ? as i)`);
      return Array.from({ length: count }, () => {
        return find.get(BigInt(Math.floor(Math.random() * size)))?.id as Uint8Array;
      });
    },
    async bytes() {
      const row = database
        .prepare(
          `select sum(pgsize) as n from dbstat where name in
            ('card_number', 'card', 'card_number_pan', 'card_number_token')`,
        )
        .get();
      return Number(row?.n);
    },
    async settle() {
      database.exec('pragma wal_checkpoint(truncate)');
      readFiles(folder);
    },
    async close() {
      database.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function openPostgresEngine(): Promise<Engine> {
  const server = await makePostgresServer([
    'shared_buffers = 2GB',
    'max_wal_size = 8GB',
    'synchronous_commit = off',
  ]);
  await server.start();
  const url = server.url('postgres');
  const place = { engine: 'postgres', url } as const;
  await (await openStore(place)).close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return {
    place,
    async fill(from, to) {
      const series = `(select generate_series(${from}::bigint, ${to - 1}) as i) as s`;
      const noise = (salt: string) => `sha256(('${salt}' || i)::bytea)`;
      await client.query(`insert into card_number (${NUMBER_COLUMNS})
        select 100, ${idOfPostgres}, '', ${noise('index')},
          '540208A' || lpad(upper(to_hex((${SPREAD}) / 8192)), 5, '0')
            || lpad(((${SPREAD}) % 8192)::text, 4, '0'), 1, 1,
          ${noise('pan')} || substr(${noise('tag')}, 1, 12), 1795000000000 + i from ${series}`);
      await client.query(`insert into card
        select 100, ${idOfPostgres}, 1, 1, 203011, 1, 1, ${noise('a')} || ${noise('b')},
          1795000000000 + i from ${series}`);
    },
    async sample(size, count) {
      const numbers = Array.from({ length: count }, () => Math.floor(Math.random() * size));
      const { rows } = await client.query<{ id: Buffer }>(
        `select ${idOfPostgres} as id from unnest($1::bigint[]) as i`,
        [numbers],
      );
      return rows.map(({ id }) => id);
    },
    async bytes() {
      const { rows } = await client.query<{ n: string }>(
        `select pg_total_relation_size('card_number') + pg_total_relation_size('card') as n`,
      );
      return Number(rows[0]?.n);
    },
    async settle() {
      await client.query('vacuum analyze card_number');
      await client.query('vacuum analyze card');
      await client.query('checkpoint');
      readFiles(join(server.folder, 'data/base'));
    },
    async close() {
      await client.end();
      await server.stop();
    },
  };
}

/** Brings files into the page cache. */
function readFiles(folder: string): void {
  const buffer = Buffer.alloc(2 ** 24);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = openSync(join(entry.parentPath, entry.name), 'r');
    while (readSync(file, buffer) > 0);
    closeSync(file);
  }
}

/** The median of one inquiry's look-ups, in µs, one after another. */
async function lookUp(engine: Engine, size: number): Promise<number> {
  const store = await openStore(engine.place);
  const cards = makeCardStore(store.reader);
  const count = Number(options.lookups);
  const ids = await engine.sample(size, count);
  const indexes: Uint8Array[] = [];
  for (const id of ids) {
    const hex = Buffer.from(id).toString('hex') as RecordId;
    const record = await cards.findNumber(ORGANIZATION, hex);
    if (record === undefined) throw new Error('a card is not there');
    indexes.push(record.panIndex);
  }
  const times: number[] = [];
  for (const index of indexes) {
    const start = performance.now();
    const asked = { current: index, next: undefined, findBy: 'current' } as const;
    const record = await cards.findCardByIndex(ORGANIZATION, asked, 1);
    times.push(performance.now() - start);
    if (record?.card === undefined) throw new Error('a card is not there');
  }
  await store.close();
  return (times.toSorted((a, b) => a - b)[Math.floor(count / 2)] ?? 0) * 1000;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

for (const name of options.engines.split(',')) {
  const engine = await (name === 'sqlite' ? openSqliteEngine() : openPostgresEngine());
  let filled = 0;
  let first: number | undefined;
  try {
    for (const size of options.sizes.split(',').map(Number)) {
      const start = performance.now();
      while (filled < size) {
        const to = Math.min(filled + CHUNK, size);
        await engine.fill(filled, to);
        filled = to;
      }
      await engine.settle();
      const seconds = ((performance.now() - start) / 1000).toFixed(0);
      const median = await lookUp(engine, size);
      first ??= median;
      const bytes = (await engine.bytes()) / size;
      print(
        `${name}: ${size} cards (filled in ${seconds} s): look-up p50 ${median.toFixed(1)} µs, ` +
          `${(median / first).toFixed(2)} of the first size; ${bytes.toFixed(0)} bytes a card`,
      );
    }
  } finally {
    await engine.close();
  }
}
