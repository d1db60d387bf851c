import { existsSync } from 'node:fs';
import type { Store } from './engine.ts';
import type { SchemaConnection } from './migrate.ts';
import { openPostgres, type PostgresPlace, usePostgresSchema } from './postgres.ts';
import { openSqlite, useSqliteSchema } from './sqlite.ts';
import { demandWholeLists } from './whole-lists.ts';

/** Where a database is: one file, or a PostgreSQL server. */
export type StorePlace =
  | { readonly engine: 'sqlite'; readonly path: string }
  | ({ readonly engine: 'postgres' } & PostgresPlace);

/**
 * Opens a database and brings its schema up to date.
 *
 * @throws {Error} when it cannot be reached, is no database, or is one of a newer program.
 */
export async function openStore(place: StorePlace): Promise<Store> {
  const store = await (place.engine === 'sqlite' ? openSqlite(place.path) : openPostgres(place));
  return { ...store, reader: demandWholeLists(store.reader) };
}

/** Lends a connection for migrations and inspection. @throws {Error} when it cannot be reached. */
export async function useSchema<T>(
  place: StorePlace,
  work: (schema: SchemaConnection) => Promise<T>,
): Promise<T> {
  if (place.engine === 'postgres') return usePostgresSchema(place, work);
  if (!existsSync(place.path)) throw new Error(`there is no database ${place.path}`);
  return useSqliteSchema(place.path, work);
}
