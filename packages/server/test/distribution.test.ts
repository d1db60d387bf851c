import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Expr, type InsertStatement, parse, type Statement } from 'pgsql-ast-parser';
import { POSTGRES } from '../src/store/dialect.ts';
import { readMigrations } from '../src/store/migrations.ts';
import { BULK_READS, BULK_WRITES, READS, WRITES } from '../src/store/statements.ts';

/** The column each large table is distributed by: docs/scale.md. */
const DISTRIBUTED: Readonly<Record<string, string>> = {
  card_number: 'organization',
  card: 'organization',
  account_change: 'organization',
  kept_answer: 'organization',
  replaced_token: 'organization',
  deleted_name: 'organization',
  key_job: 'organization',
  audit_block: 'chain',
  request_nonce: 'caller',
  budget_charge: 'who',
  watched_card: 'organization',
  change_feed: 'organization',
};

/** Small, read whole and kept in memory: every node of the database has all of it. */
const REFERENCE = [
  ...['organization', 'bin_range', 'wrapped_key', 'caller', 'caller_credential', 'merchant'],
  ...['directory_version', 'caller_before', 'audit_chain', 'audit_acceptance'],
  ...['budget_lift', 'budget_lift_approval', 'key_epoch', 'operator', 'approval'],
  // Not distributed yet: the watchlist is one table on one node, and so is what it tells.
  ...['watch_entry', 'notification'],
];

/** Statements that sweep all shards on purpose, outside of what a caller waits for. */
const SWEEPS = ['forgetNonces', 'listCharges', 'forgetCharges', 'listDueFeed'];

/** Every node follows what the others add: kept in the order of time, on each shard. */
const KEPT_BY_TIME = ['budget_charge'];

describe('every prepared statement', () => {
  const bulk = Object.entries({ ...BULK_READS, ...BULK_WRITES }).map(
    ([name, sql]) => [`${name}, many`, sql] as const,
  );
  for (const [name, sql] of [...Object.entries({ ...READS, ...WRITES }), ...bulk]) {
    it(`${name} names the distribution key of its table`, () => {
      const statements = parse(POSTGRES.spell(sql));
      assert.equal(statements.length, 1);
      const [outer] = statements;
      assert(outer);
      for (const statement of [outer, ...innerOf(outer)]) {
        for (const table of tablesOf(statement)) {
          const key = DISTRIBUTED[table];
          if (key === undefined) {
            assert.ok(REFERENCE.includes(table), `${table} is neither distributed nor a reference`);
          } else if (!SWEEPS.includes(name)) {
            assert.ok(namesKey(statement, key), `${name} does not name ${key}`);
          }
        }
      }
    });
  }
});

describe('the schema', () => {
  // What moves rows from one table to another is of no interest here.
  const texts = readMigrations('postgres').flatMap(({ sql }) =>
    POSTGRES.spell(sql).replaceAll(/--.*$/gm, '').split(';'),
  );
  const statements = texts
    .filter((text) => /^\s*create (?:table \w+ \(|(?:unique )?index|sequence)/.test(text))
    .flatMap((text) =>
      parse(
        text.replaceAll(/(?:,\s*)?(?:constraint \w+ )?check \([^()]*(?:\([^()]*\))?[^()]*\)/g, ''),
      ),
    );

  const dropped = new Set(texts.flatMap((text) => /^\s*drop table (\w+)/.exec(text)?.[1] ?? []));

  it('has no unique constraint over more than one shard', () => {
    for (const { table, columns } of uniquesOf(statements)) {
      const key = DISTRIBUTED[table];
      if (key !== undefined) assert.ok(columns.includes(key), `${table} (${columns})`);
    }
  });

  it('begins every primary key of a distributed table with its key', () => {
    for (const { table, columns, isPrimary } of uniquesOf(statements)) {
      const key = DISTRIBUTED[table];
      if (key === undefined || !isPrimary || KEPT_BY_TIME.includes(table)) continue;
      assert.equal(columns[0], key, table);
    }
  });

  it('names every table here, and has no sequence', () => {
    for (const statement of statements) {
      assert.notEqual(statement.type, 'create sequence');
      if (statement.type !== 'create table') continue;
      const { name } = statement.name;
      if (dropped.has(name)) continue;
      assert.ok(DISTRIBUTED[name] !== undefined || REFERENCE.includes(name), name);
      for (const column of statement.columns) {
        if (column.kind === 'column' && 'name' in column.dataType) {
          assert.doesNotMatch(column.dataType.name, /serial/);
        }
      }
    }
  });
});

/** The statements a select reads from, beside tables, and those it joins. */
function innerOf(statement: Statement): readonly Statement[] {
  if (statement.type === 'union all') {
    const { left, right } = statement;
    return [left, ...innerOf(left), right, ...innerOf(right)];
  }
  if (statement.type !== 'select') return [];
  return (statement.from ?? []).flatMap((from) =>
    from.type === 'statement' ? [from.statement, ...innerOf(from.statement)] : [],
  );
}

function tablesOf(statement: Statement): string[] {
  switch (statement.type) {
    case 'select':
      return (statement.from ?? []).flatMap((from) => {
        if (from.type === 'statement') return []; // Looked at by itself.
        if (from.type === 'call') return []; // A list of the statement's own.
        assert.equal(from.type, 'table');
        return from.type === 'table' ? [from.name.name] : [];
      });
    case 'insert':
      // What is inserted may come of another table: both are to be on one shard.
      return [statement.into.name, ...selectedTables(statement)];
    case 'update':
      return [statement.table.name];
    case 'delete':
      return [statement.from.name];
    case 'union all':
      return []; // Either side is looked at by itself.
    default:
      throw new Error(`a statement of type ${statement.type}`);
  }
}

function selectedTables({ insert }: InsertStatement): string[] {
  return insert.type === 'select' ? tablesOf(insert) : [];
}

/** Whether it can run on the one shard that a parameter names. */
function namesKey(statement: Statement, key: string): boolean {
  if (statement.type === 'insert') {
    const at = statement.columns?.findIndex(({ name }) => name === key) ?? -1;
    const { insert } = statement;
    if (insert.type === 'select') {
      const kept = insert.columns?.[at]?.expr;
      if (kept?.type === 'parameter') return true;
      return kept?.type === 'ref' && kept.name === key && namesKey(insert, key);
    }
    const rows = insert.type === 'values' ? insert.values : [];
    return rows.every((row) => {
      const value = row[at];
      return typeof value === 'object' && value.type === 'parameter';
    });
  }
  const where = 'where' in statement ? statement.where : undefined;
  return conditionsOf(where).some(
    ({ column, value }) => column === key && value.type === 'parameter',
  );
}

/** `column = value`, of those that all have to hold. */
function conditionsOf(
  where: Expr | null | undefined,
): readonly { readonly column: string; readonly value: Expr }[] {
  if (where?.type !== 'binary') return [];
  if (where.op === 'AND') return [...conditionsOf(where.left), ...conditionsOf(where.right)];
  if (where.op !== '=' || where.left.type !== 'ref') return [];
  return [{ column: where.left.name, value: where.right }];
}

function uniquesOf(statements: readonly Statement[]) {
  const uniques: { table: string; columns: readonly string[]; isPrimary: boolean }[] = [];
  for (const statement of statements) {
    if (statement.type === 'create index' && statement.unique) {
      const columns = statement.expressions.map(({ expression }) =>
        expression.type === 'ref' ? expression.name : '',
      );
      uniques.push({ table: statement.table.name, columns, isPrimary: false });
    }
    if (statement.type !== 'create table') continue;
    const table = statement.name.name;
    for (const constraint of statement.constraints ?? []) {
      if (constraint.type !== 'primary key' && constraint.type !== 'unique') continue;
      const columns = constraint.columns.map(({ name }) => name);
      uniques.push({ table, columns, isPrimary: constraint.type === 'primary key' });
    }
    for (const column of statement.columns) {
      if (column.kind !== 'column') continue;
      for (const { type } of column.constraints ?? []) {
        if (type !== 'primary key' && type !== 'unique') continue;
        uniques.push({ table, columns: [column.name.name], isPrimary: type === 'primary key' });
      }
    }
  }
  return uniques;
}
