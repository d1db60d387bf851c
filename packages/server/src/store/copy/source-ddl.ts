/**
 * What a copy adds to the database it reads: a log of the rows that change meanwhile, and at the end a
 * fence that lets nobody write there any more. Triggers do both, so that whoever writes, an older
 * program too, is held to them.
 *
 * @module
 */
import type { Side } from './side.ts';
import type { Column, Table } from './tables.ts';

/** What the database says to whoever writes to it after it was moved. */
const MOVED = 'this database was moved to another and takes no writes';

const OPERATIONS = ['insert', 'update', 'delete'] as const;

/** Rows that changed, by their keys. @see changeKeys in values.ts for how a key is written. */
const LOG_TABLE = {
  sqlite: `create table if not exists copy_change
    (id integer primary key autoincrement, tbl text not null, key text not null)`,
  postgres: `create table if not exists copy_change
    (id bigint generated always as identity primary key, tbl text not null, key text not null)`,
};

/** From then on every change of a row leaves its key in `copy_change`. */
export async function startLog(side: Side, tables: readonly Table[]): Promise<void> {
  await side.run(LOG_TABLE[side.engine]);
  await side.transaction(async () => {
    await lockWriters(side);
    for (const table of tables) await side.run(logOf(side, table).join(';\n'));
  });
}

/** In one step: nobody writes any more, and the mark says where everything went. */
export async function raiseFence(
  side: Side,
  tables: readonly Table[],
  mark: () => Promise<void>,
): Promise<void> {
  await side.transaction(async () => {
    await lockWriters(side);
    if (side.engine === 'postgres') {
      await side.run(`create or replace function copy_fence() returns trigger language plpgsql
        as $$ begin raise exception '${MOVED}'; end $$`);
    }
    for (const table of tables) await side.run(fenceOf(side, table).join(';\n'));
    await mark();
  });
}

/** Takes away the fence; the log goes on. */
export async function lowerFence(side: Side, tables: readonly Table[]): Promise<void> {
  await side.transaction(async () => {
    await side.run(dropFence(side, tables).join(';\n'));
  });
}

/** Takes away the log. @param within what else becomes true with it. */
export async function endLog(
  side: Side,
  tables: readonly Table[],
  within: () => Promise<void> = async () => undefined,
): Promise<void> {
  await side.transaction(async () => {
    await side.run(dropLog(side, tables).join(';\n'));
    await side.run('drop table if exists copy_change');
    await within();
  });
}

/** A batch writes its audit block first: whoever holds that table off holds no other lock. */
async function lockWriters({ engine, run }: Side): Promise<void> {
  if (engine === 'postgres') {
    await run(`set local lock_timeout = '5s'; lock table audit_block in share row exclusive mode`);
  }
}

function logOf({ engine }: Side, { name, key }: Table): readonly string[] {
  const insert = (row: 'new' | 'old') =>
    `insert into copy_change (tbl, key) values ('${name}', ${keyOf(engine, row, key)});`;
  if (engine === 'sqlite') {
    return OPERATIONS.map(
      (operation) => `create trigger if not exists copy_log_${name}_${operation}
        after ${operation} on ${name} begin ${insert(operation === 'delete' ? 'old' : 'new')} end`,
    );
  }
  return [
    // With the rights of who copies: the role of the service need not know of the log.
    `create or replace function copy_log_${name}() returns trigger language plpgsql
      security definer set search_path from current as $$ begin
        if tg_op = 'DELETE' then ${insert('old')} else ${insert('new')} end if;
        return null; end $$`,
    `drop trigger if exists copy_log on ${name}`,
    `create trigger copy_log after insert or update or delete on ${name}
      for each row execute function copy_log_${name}()`,
  ];
}

function keyOf(engine: Side['engine'], row: 'new' | 'old', key: readonly Column[]): string {
  const values = key.map(({ name, type }) => {
    const value = `${row}.${name}`;
    if (type !== 'bytea') return value;
    return engine === 'sqlite' ? `hex(${value})` : `encode(${value}, 'hex')`;
  });
  const list = values.join(', ');
  return engine === 'sqlite' ? `json_array(${list})` : `jsonb_build_array(${list})::text`;
}

function fenceOf({ engine }: Side, { name }: Table): readonly string[] {
  if (engine === 'sqlite') {
    return OPERATIONS.map(
      (operation) => `create trigger copy_fence_${name}_${operation}
        before ${operation} on ${name} begin select raise(abort, '${MOVED}'); end`,
    );
  }
  return [
    `create trigger copy_fence before insert or update or delete or truncate on ${name}
      for each statement execute function copy_fence()`,
  ];
}

function dropFence({ engine }: Side, tables: readonly Table[]): readonly string[] {
  if (engine === 'sqlite') {
    return namesOf('copy_fence', tables).map((name) => `drop trigger if exists ${name}`);
  }
  const drops = tables.map(({ name }) => `drop trigger if exists copy_fence on ${name}`);
  return [...drops, 'drop function if exists copy_fence()'];
}

function dropLog({ engine }: Side, tables: readonly Table[]): readonly string[] {
  if (engine === 'sqlite') {
    return namesOf('copy_log', tables).map((name) => `drop trigger if exists ${name}`);
  }
  return tables.flatMap(({ name }) => [
    `drop trigger if exists copy_log on ${name}`,
    `drop function if exists copy_log_${name}()`,
  ]);
}

function namesOf(prefix: string, tables: readonly Table[]): readonly string[] {
  return tables.flatMap(({ name }) =>
    OPERATIONS.map((operation) => `${prefix}_${name}_${operation}`),
  );
}
