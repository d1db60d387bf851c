import type { Dialect } from '../dialect.ts';
import type { Engine } from '../engine.ts';
import type { StorePlace } from '../place.ts';
import type { SqlValue } from '../statements.ts';
import { openPostgresSide } from './postgres-side.ts';
import { openSqliteSide } from './sqlite-side.ts';
import type { Table } from './tables.ts';
import type { Values } from './values.ts';

/** One of the two databases of a copy, over a connection of its own. */
export interface Side {
  readonly engine: Engine;
  readonly dialect: Dialect;
  /** Portable SQL with `$n` parameters. @returns rows, their values in the order of the columns. */
  all(sql: string, values?: readonly SqlValue[]): Promise<readonly Values[]>;
  /** One after another, and sent together where that saves time. */
  each(sql: string, lists: readonly Values[]): Promise<readonly (readonly Values[])[]>;
  /** Several statements without parameters, as the engine spells them. */
  run(sql: string): Promise<void>;
  insert(table: Table, rows: readonly Values[]): Promise<void>;
  /** How a text column is compared byte by byte. */
  bytewise(column: string): string;
  /** Reads of one moment. */
  snapshot<T>(work: () => Promise<T>): Promise<T>;
  /** All of it is durable afterwards, or nothing of it happened. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** @throws {Error} when the database is not there or does not answer. */
export function openSide(place: StorePlace): Promise<Side> {
  return place.engine === 'sqlite' ? openSqliteSide(place.path) : openPostgresSide(place);
}
