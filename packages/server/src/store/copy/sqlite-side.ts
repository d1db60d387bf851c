import { existsSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { SQLITE } from '../dialect.ts';
import type { SqlValue } from '../statements.ts';
import type { Side } from './side.ts';
import type { Values } from './values.ts';

/** A service that writes to the same file holds it for some milliseconds at a time. */
const BUSY_TIMEOUT_MS = 60_000;

/** @throws {Error} when there is no such file. */
export async function openSqliteSide(path: string): Promise<Side> {
  if (!existsSync(path)) throw new Error(`there is no database ${path}`);
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  // What is deleted while it is copied, a key for instance, is overwritten in the file, too.
  database.exec('pragma synchronous = full; pragma secure_delete = on');
  const prepared = new Map<string, StatementSync>();

  function statementOf(sql: string): StatementSync {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(SQLITE.spell(sql));
    statement.setReturnArrays(true);
    prepared.set(sql, statement);
    return statement;
  }

  function read(sql: string, values: readonly SqlValue[]): readonly Values[] {
    return statementOf(sql).all(...values) as unknown as Values[];
  }

  async function within<T>(begin: string, work: () => Promise<T>): Promise<T> {
    database.exec(begin);
    try {
      const result = await work();
      database.exec('commit');
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec('rollback');
      throw error;
    }
  }

  return {
    engine: 'sqlite',
    dialect: SQLITE,
    all: async (sql, values = []) => read(sql, values),
    each: async (sql, lists) => lists.map((values) => read(sql, values)),
    run: async (sql) => database.exec(sql),
    async insert({ name, columns }, rows) {
      const names = columns.map((column) => column.name).join(', ');
      const places = columns.map((_, index) => `$${index + 1}`).join(', ');
      const statement = statementOf(`insert into ${name} (${names}) values (${places})`);
      for (const row of rows) statement.run(...row);
    },
    bytewise: (column) => column,
    snapshot: (work) => within('begin', work),
    transaction: (work) => within('begin immediate', work),
    async close() {
      database.close();
    },
  };
}
