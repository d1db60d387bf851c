import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { POSTGRES, SQLITE } from '../src/store/dialect.ts';
import { openStore } from '../src/store/place.ts';
import { READS, WRITES } from '../src/store/statements.ts';
import { CLAIMS } from '../src/store/watch-statements.ts';
import { makeTestDatabase } from './harness/postgres.ts';

/*
 * How the engines themselves say that they read the tables of watched cards and notifications: what is
 * asked for by pages, or again and again, reads its page and nothing else, however much there is.
 */

const STATEMENTS = { ...READS, ...WRITES, ...CLAIMS };

interface Case {
  readonly name: keyof typeof STATEMENTS;
  /** As PostgreSQL reads them; of the rows of `FILL`. */
  readonly values: string;
  /** So many rows it may meet of any one table. */
  readonly page: number;
  /** Each index it walks, and from where. */
  readonly walks: Readonly<Record<string, readonly string[]>>;
}

const PAGES: readonly Case[] = [
  {
    ...{ name: 'listWatchesOf', values: `1, '8', 100`, page: 100 },
    walks: { watch_entry_organization: ['organization', 'panid'] },
  },
  {
    // While one key takes over from the other, some are found by each.
    ...{ name: 'listPanids', values: `'m1', sha256('1'), sha256('3'), '8', 100`, page: 101 },
    walks: { watch_entry_reference: ['merchant', 'custom_index', 'panid'] },
  },
  {
    ...{ name: 'listPanids', values: `'m1', sha256('1'), sha256('1'), '8', 100`, page: 100 },
    walks: { watch_entry_reference: ['merchant', 'custom_index', 'panid'] },
  },
  {
    ...{ name: 'listFailingWatches', values: `'8', 10`, page: 10 },
    walks: { watch_entry_failing: ['panid'] },
  },
];

const ROUNDS: readonly Case[] = [
  {
    ...{ name: 'claimEntries', values: '50000, 50001, 64', page: 64 },
    walks: { watch_entry_next_check: ['next_check_at'], watch_entry_pkey: ['panid'] },
  },
  {
    ...{ name: 'claimNotifications', values: '50000, 50001, 64', page: 64 },
    walks: {
      notification_due: ['state', 'next_attempt_at'],
      notification_pkey: ['panid', 'position'],
    },
  },
  {
    ...{ name: 'findWatchOfMerchant', values: `'nobody'`, page: 0 },
    walks: { watch_entry_pan: ['merchant', 'pan_index'] },
  },
];

/** Two of three cards are watched still, by two merchants; the oldest are those that have ended. */
const ROW_COUNT = 60_000;
const FILL = `
  insert into watch_entry (panid, merchant, pan_index, custom_index, sealed, organization,
    next_check_at, created_at, notification_count, failure_count, last_code, claimed_until,
    claim_count, fence, ended)
  select md5(n::text), 'm' || n % 2, case when n % 3 > 0 then sha256(n::text::bytea) end,
    case when n % 3 > 0 then sha256((n % 4)::text::bytea) end, ''::bytea, n % 2,
    case when n % 3 > 0 then n else 0 end, n, 0, 0, case when n % 500 = 1 then 'X' end, 0, 0, 0,
    case when n % 3 > 0 then 0 else 1 end
  from generate_series(1, ${ROW_COUNT}) n;
  insert into notification (panid, position, merchant, request_id, sealed, state, attempt_count,
    next_attempt_at, claimed_until, claim_count, fence, created_at)
  select md5(n::text), 1, 'm' || n % 2, '', ''::bytea,
    case when n % 3 > 0 then 'delivered' else 'pending' end, 0, n, 0, 0, 0, n
  from generate_series(1, ${ROW_COUNT}) n`;

describe('PostgreSQL', async () => {
  const database = await makeTestDatabase();
  await (await openStore({ engine: 'postgres', url: database.url })).close();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  after(async () => {
    await client.end();
    await database.close();
  });
  await client.query('set plan_cache_mode = force_generic_plan'); // As each connection of ours does.
  await client.query(FILL);

  /** Runs it, and takes back what it did. */
  async function planOf({ name, values }: Case): Promise<readonly PlanNode[]> {
    await client.query('begin');
    await client.query(`prepare asked as ${POSTGRES.spell(STATEMENTS[name])}`);
    const { rows } = await client.query(
      `explain (analyze, timing off, format json) execute asked (${values})`,
    );
    await client.query('rollback');
    await client.query('deallocate asked');
    return nodesOf(rows[0]['QUERY PLAN'][0].Plan);
  }

  for (const each of PAGES) {
    it(`walks an index for ${each.name} (${each.values}) before it has counted rows`, async () => {
      assertWalks(each, await planOf(each));
    });
  }

  describe('once it has counted rows', () => {
    before(() => client.query('analyze'));
    for (const each of [...PAGES, ...ROUNDS]) {
      it(`walks an index for ${each.name} (${each.values})`, async () => {
        assertWalks(each, await planOf(each));
      });
    }
  });
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

function assertWalks({ page, walks }: Case, nodes: readonly PlanNode[]): void {
  const text = JSON.stringify(nodes[0], undefined, 1);
  const walked = new Set<string>();
  for (const node of nodes) {
    assert.doesNotMatch(node['Node Type'], /Sort|Seq Scan|Bitmap/, text);
    if (!/^Index/.test(node['Node Type'])) continue;
    const index = node['Index Name'] ?? '';
    walked.add(index);
    for (const column of walks[index] ?? [])
      assert.match(node['Index Cond'] ?? '', RegExp(`\\b${column}\\b`), text);
    const met =
      (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
    assert(met <= page, text);
  }
  assert.deepEqual([...walked].toSorted(), Object.keys(walks).toSorted(), text);
}

describe('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-plans-'));
  const path = join(folder, 'pantoken.db');
  await (await openStore({ engine: 'sqlite', path })).close();
  const database = new DatabaseSync(path);
  after(() => {
    database.close();
    rmSync(folder, { recursive: true });
  });

  // It counts no rows: its plans are the same with however many. "due" is what is claimed.
  for (const { name, walks } of [...PAGES, ...ROUNDS]) {
    it(`walks an index for ${name}`, () => {
      const rows = database.prepare(`explain query plan ${SQLITE.spell(STATEMENTS[name])}`).all();
      const details = rows.map(({ detail }) => String(detail));
      const text = details.join('\n');
      assert.doesNotMatch(text, /B-TREE|SCAN (?!CONSTANT ROW|due)/);
      for (const [index, columns] of Object.entries(walks)) {
        // It has names of its own for the indexes of primary keys.
        const named = index.replace(/^(\w+)_pkey$/, 'sqlite_autoindex_$1_1');
        const from = columns.map((column) => `${column}[=<>]\\?`).join(' AND ');
        assert.match(text, RegExp(`INDEX ${named} \\(${from}\\)`));
      }
    });
  }
});
