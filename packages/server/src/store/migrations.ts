import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engine.ts';

/** One step of the schema. Steps only go forward. */
export interface Migration {
  /** 1, 2, 3 and so on: the number in front of the file's name. */
  readonly version: number;
  readonly name: string;
  /** Empty when the step is one of the other engine only. */
  readonly sql: string;
}

/** Waiting does not help: the program has to be replaced. */
export class SchemaTooNew extends Error {
  override readonly name = 'SchemaTooNew';
}

const ENGINES: readonly string[] = ['sqlite', 'postgres'] satisfies Engine[];

/** The steps in folder migrations, in order. One that is named `.sqlite.sql` is empty for PostgreSQL. */
export function readMigrations(engine: Engine): readonly Migration[] {
  const folder = join(import.meta.dirname, 'migrations');
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql'));
  return files.sort().map((file, index) => {
    const version = Number(file.slice(0, 4));
    if (version !== index + 1) throw new Error(`migration ${file} is out of order`);
    const [name = '', onlyFor] = file.slice(5, -4).split('.');
    if (onlyFor !== undefined && !ENGINES.includes(onlyFor)) {
      throw new Error(`migration ${file} is for an engine that is not known`);
    }
    const isRun = onlyFor === undefined || onlyFor === engine;
    return { version, name, sql: isRun ? readFileSync(join(folder, file), 'utf8') : '' };
  });
}

/**
 * The steps a database still needs.
 *
 * @param current the version it has; 0 when it is empty.
 * @throws {SchemaTooNew} when the database is newer than this program.
 */
export function pendingMigrations(current: number, engine: Engine): readonly Migration[] {
  const migrations = readMigrations(engine);
  if (current > migrations.length) {
    throw new SchemaTooNew(
      `the database has schema ${current}, this program knows ${migrations.length}: use a newer program`,
    );
  }
  return migrations.slice(current);
}
