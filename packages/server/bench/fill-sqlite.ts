import type { DatabaseSync } from 'node:sqlite';

export const NUMBER_COLUMNS = `organization, number_id, lineage, pan_index, token, epoch, data_key_epoch,
  sealed_pan, created_at`;

/**
 * A permutation of 33 bits (odd factors, a shift folded in): tokens are spread like random ones, and
 * never equal. Exclusive or is written in operators that both engines have.
 */
const FOLDED = '(i * 137438953447) % 8589934592';
export const SPREAD = `(((${FOLDED}) | ((${FOLDED}) >> 16)) - ((${FOLDED}) & ((${FOLDED}) >> 16))) * 402653189
  % 8589934592`;

export const idOfSqlite = `unhex(printf('%016X%016X', i, ${SPREAD}))`;
/**
 * Makes cards `from` .. `to - 1` of organization 100 in the file itself, in the shape the service gives
 * them: random bytes in place of ciphertext and of keyed digests.
 */
export function fillSqlite(database: DatabaseSync, from: number, to: number): void {
  const series = `with recursive s(i) as
    (select ${from} union all select i + 1 from s where i + 1 < ${to})`;
  database.exec(`begin;
    insert into card_number (${NUMBER_COLUMNS}) ${series}
    select 100, ${idOfSqlite}, x'', randomblob(32),
      printf('540208A%05X%04d', (${SPREAD}) / 8192, (${SPREAD}) % 8192), 1, 1,
      randomblob(44), 1795000000000 + i from s;
    insert into card ${series}
    select 100, ${idOfSqlite}, 1, 1, 203011, 1, 1, randomblob(75), 1795000000000 + i from s;
    commit;`);
}
