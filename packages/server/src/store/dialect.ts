/**
 * All that differs between the two engines: how portable SQL is spelt, how a transaction begins, and
 * how a broken constraint is named. The statements themselves are the same.
 *
 * @module
 */
import type { Conflict } from '../usecase/ports.ts';
import type { Engine } from './engine.ts';

/** How one engine reads the portable SQL of this folder. */
export interface Dialect {
  readonly engine: Engine;
  /** The statement as the engine wants it. */
  spell(sql: string): string;
  /** Begins a transaction that will write. */
  readonly begin: string;
  /** Ends a select whose row is to stay locked until the transaction ends. */
  readonly forUpdate: string;
  /** What a step of the schema is limited by, so that it gives up and does not stop traffic. */
  readonly stepLimits: string;
  /** Which promise of the store an error says is broken; undefined for any other error. */
  conflictOf(error: unknown): Conflict | undefined;
}

/**
 * SQLite: `$1` is a named parameter there and `?1` the numbered one. One writer at a time, so that a
 * row needs no lock once the transaction has begun.
 */
export const SQLITE: Dialect = {
  engine: 'sqlite',
  spell: (sql) =>
    sql
      .replaceAll(/\$(\d+)/g, '?$1')
      .replaceAll('/*clustered*/', ' without rowid')
      .replaceAll(/\bhex_of\(([\w.]+)\)/g, 'lower(hex($1))')
      .replaceAll(/\bdigits_of\(([\w.]+)\)/g, 'hex($1)'),
  begin: 'begin immediate',
  forUpdate: '',
  stepLimits: '',
  conflictOf(error) {
    const { message } = error as Error;
    if (/^CHECK constraint failed: \w+_fence$/.test(message)) return 'claim_lost';
    if (message === 'CHECK constraint failed: deleted_name_given') return 'name_deleted';
    // SQLite names a broken unique constraint by its columns.
    const [, columns] = /^UNIQUE constraint failed: (.*)$/.exec(message) ?? [];
    return columns === undefined ? undefined : firstOf(SQLITE_CONFLICTS, columns);
  },
};

/** PostgreSQL, and what speaks its language. */
export const POSTGRES: Dialect = {
  engine: 'postgres',
  // Each statement is sent many times, and spelled once.
  spell: remembered((sql) =>
    sql
      .replaceAll('/*skip locked*/', ' for update skip locked')
      .replaceAll(/\/\*(limit \$\d+)\*\//g, '$1')
      .replaceAll(/\b(?:hex|digits)_of\(([\w.]+)\)/g, "encode($1, 'hex')"),
  ),
  begin: 'begin',
  forUpdate: ' for update',
  stepLimits: "set local lock_timeout = '2s';",
  conflictOf(error) {
    const { code, constraint } = error as { code?: string; constraint?: string };
    if (code === CHECK_VIOLATION && constraint?.endsWith('_fence')) return 'claim_lost';
    if (code === CHECK_VIOLATION && constraint === 'deleted_name_given') return 'name_deleted';
    if (code !== UNIQUE_VIOLATION) return undefined;
    return firstOf(POSTGRES_CONFLICTS, constraint ?? '');
  },
};

function remembered(spell: (sql: string) => string): (sql: string) => string {
  const texts = new Map<string, string>();
  return (sql) => {
    const known = texts.get(sql);
    if (known !== undefined) return known;
    const text = spell(sql);
    texts.set(sql, text);
    return text;
  };
}

/** SQLSTATE of a broken unique constraint. */
export const UNIQUE_VIOLATION = '23505';
const CHECK_VIOLATION = '23514';

const SQLITE_CONFLICTS: readonly (readonly [string, Conflict])[] = [
  ['card_number.organization, card_number.pan_index', 'number_taken'],
  ['card_number.organization, card_number.token', 'token_taken'],
  ['card.organization, card.number_id', 'card_taken'],
  ['account_change.organization, account_change.lineage', 'change_taken'],
  ['card_number.organization, card_number.next_pan_index', 'number_taken'],
  ['key_epoch.', 'key_taken'],
  ['replaced_token.', 'token_replaced'],
  ['operator.', 'registration_taken'],
  ['account_change.organization, account_change.reference_index', 'reference_taken'],
  ['watch_entry.merchant, watch_entry.pan_index', 'watch_taken'],
  ['watch_entry.merchant, watch_entry.next_pan_index', 'watch_taken'],
  ['organization.', 'registration_taken'],
  ['bin_range.', 'registration_taken'],
  ['caller.', 'registration_taken'],
  ['caller_credential.', 'registration_taken'],
  ['request_nonce.', 'nonce_taken'],
  ['kept_answer.', 'answer_taken'],
  ['merchant.', 'registration_taken'],
  ['wrapped_key.', 'key_taken'],
  ['deleted_name.', 'name_deleted'],
];

/** By the start of the name, since Citus adds the number of the shard to it. */
const POSTGRES_CONFLICTS: readonly (readonly [string, Conflict])[] = [
  ['card_number_pan', 'number_taken'],
  ['card_number_token', 'token_taken'],
  ['card_pkey', 'card_taken'],
  ['account_change_pkey', 'change_taken'],
  ['account_change_reference', 'reference_taken'],
  ['watch_entry_pan', 'watch_taken'],
  ['watch_entry_next_pan', 'watch_taken'],
  ['card_number_next_pan', 'number_taken'],
  ['key_epoch_', 'key_taken'],
  ['replaced_token_', 'token_replaced'],
  ['operator_', 'registration_taken'],
  ['organization_', 'registration_taken'],
  ['bin_range_', 'registration_taken'],
  ['caller_', 'registration_taken'],
  ['request_nonce_', 'nonce_taken'],
  ['kept_answer_', 'answer_taken'],
  ['merchant_', 'registration_taken'],
  ['wrapped_key_', 'key_taken'],
  ['deleted_name_', 'name_deleted'],
];

function firstOf(
  conflicts: readonly (readonly [string, Conflict])[],
  name: string,
): Conflict | undefined {
  return conflicts.find(([start]) => name.startsWith(start))?.[1];
}
