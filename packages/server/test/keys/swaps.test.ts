import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Refusal, type RefusalCode } from '../../src/domain/error.ts';
import { custodyFileIn } from '../../src/opened-home.ts';
import { startEngineService } from '../harness/engine-service.ts';
import { unpad } from '../harness/issuer-client.ts';
import { KEY_ENGINES } from '../harness/key-home.ts';
import { openTestHome, until } from '../harness/key-tools.ts';
import { freshPan } from '../harness/numbers.ts';

const LETTERS = 100;
const refusal = (code: RefusalCode) => (error: unknown) =>
  error instanceof Refusal && error.code === code;

/** What is done by hand to the table of keys, in the SQL of both engines. */
const KEY_SWAPS: Readonly<Record<string, string>> = {
  'two token keys of two organizations': `
    update wrapped_key set wrapped = (select wrapped from kept o
      where o.organization = 300 - wrapped_key.organization and o.purpose = 'token')
    where organization in (100, 200) and purpose = 'token'`,
  'all of a key but its organization': `
    update wrapped_key set (key_id, wrapped, check_value, known_answer, created_at) =
      (select key_id, wrapped, check_value, known_answer, created_at from kept o
       where o.organization = 200 and o.purpose = 'token')
    where organization = 100 and purpose = 'token'`,
  'a data key in the place of an index key': `
    update wrapped_key set (key_id, wrapped, check_value, created_at) =
      (select key_id, wrapped, check_value, created_at from kept o
       where o.organization = 100 and o.purpose = 'data')
    where organization = 100 and purpose = 'index'`,
  'two keys of the service': `
    update wrapped_key set (key_id, wrapped, check_value) =
      (select key_id, wrapped, check_value from kept o
       where o.organization = -1 and o.purpose <> wrapped_key.purpose
         and o.purpose in ('caller-secret', 'updater-data'))
    where organization = -1 and purpose in ('caller-secret', 'updater-data')`,
  'the known answer': `
    update wrapped_key set known_answer = '555555A000004444' where purpose = 'token'`,
  'the check value': `update wrapped_key set check_value = '000000' where purpose = 'data'`,
  'the environment': `update wrapped_key set environment = 'production'`,
  'the moment it was made': 'update wrapped_key set created_at = created_at + 1',
  'a key that is gone': `
    delete from wrapped_key where organization = 100 and purpose = 'data'`,
};

/** What is exchanged between two card numbers, or between their cards. */
const ROW_SWAPS: Readonly<Record<string, readonly string[]>> = {
  'two ciphertexts': ['sealed_pan'],
  'two indexes': ['pan_index'],
  'two tokens': ['token'],
  'two tokens with their ciphertexts': ['token', 'sealed_pan'],
  'two rows, but for their ids': ['lineage', 'pan_index', 'token', 'sealed_pan'],
  'two rows, but for their tokens': ['number_id', 'lineage', 'pan_index', 'sealed_pan'],
};

for (const engine of KEY_ENGINES) {
  const test = await startEngineService(engine);

  describe(`keys changed by hand in ${engine}`, () => {
    /** As somebody with the database could, while the service runs; then all is as before. */
    async function changed(sql: string, look: () => Promise<void>): Promise<void> {
      await test.change(`create table kept as select * from wrapped_key; ${sql}`);
      try {
        await look();
      } finally {
        await test.change(
          'delete from wrapped_key; insert into wrapped_key select * from kept; drop table kept',
        );
      }
    }
    const failures = async () =>
      (await test.audit()).filter(({ action }) => action === 'open_keys');
    const open = () => openTestHome(test.home, test.options.database);

    for (const [what, sql] of Object.entries(KEY_SWAPS)) {
      it(`${what}: no service starts, and that is on record`, async () => {
        await changed(sql, async () => {
          const countBefore = (await failures()).length;
          await assert.rejects(open(), refusal('KEY_DAMAGED'));
          const after = await failures();
          assert.equal(after.length, countBefore + 1);
          assert.equal(after.at(-1)?.code, 'KEY_DAMAGED');
        });
        await (await open()).close(); // It was nothing else.
      });
    }

    it('are noticed by a service that runs, which goes on with the keys it has', async () => {
      const { data } = await test.issuer.create({ organizationNumber: LETTERS });
      const countBefore = (await failures()).length;
      const sql = KEY_SWAPS['two token keys of two organizations'];
      const countUp = 'update directory_version set version = version + 1';
      await changed(`${sql}; ${countUp}`, async () => {
        await until(async () => (await failures()).length > countBefore);
        const answer = await test.issuer.numberOf(LETTERS, unpad(data.cardNumber));
        assert.equal(answer.status, 200);
      });
    });

    it('with their environment, as a whole, do not open either', async () => {
      const path = custodyFileIn(test.home);
      const own = readFileSync(path, 'utf8');
      await changed(KEY_SWAPS['the environment'] ?? '', async () => {
        writeFileSync(path, own.replace('"default"', '"production"'));
        await assert.rejects(open(), refusal('KEY_DAMAGED'));
        writeFileSync(path, own);
      });
    });
  });

  describe(`records exchanged by hand in ${engine}`, () => {
    const pans = [freshPan(), freshPan()] as const;
    const tokens: string[] = [];
    const damages = async () =>
      (await test.audit()).filter(({ code }) => code === 'RECORD_DAMAGED').length;

    it('belong to two cards', async () => {
      for (const cardNumber of pans) {
        const { data } = await test.issuer.create({ cardNumber });
        tokens.push(unpad(data.cardNumber));
      }
      assert.equal(new Set(tokens).size, 2);
    });

    for (const [what, columns] of Object.entries(ROW_SWAPS)) {
      it(`${what}: an error and a record, and never the number or token of another card`, async () => {
        const [first = '', second = ''] = tokens;
        const names = `('${first}', '${second}')`;
        // Out and in again: at no moment may two rows have the same index or token.
        await test.change(`
          create table was as select * from card_number where token in ${names};
          create table pair as select * from was;
          ${otherwise('pair', columns, first, second)}
          delete from card_number where token in ${names};
          insert into card_number select * from pair;
          drop table pair;`);
        try {
          const countBefore = await damages();
          let refusedCount = 0;
          for (const [index, pan] of pans.entries()) {
            const token = tokens[index] ?? '';
            const other = { pan: pans[1 - index] ?? '', token: tokens[1 - index] ?? '' };
            const replies = [
              await test.issuer.tokenOf(LETTERS, pan),
              await test.issuer.numberOf(LETTERS, token),
              await test.issuer.create({ cardNumber: pan, cardSequence: 3 }),
              await test.issuer.act({ cardNumber: token, cardAction: 2 }),
            ];
            for (const { text, status } of replies) {
              assert(!text.includes(other.pan) && !text.includes(other.token), text);
              if (status !== 200) refusedCount++;
            }
          }
          assert(refusedCount > 0);
          assert((await damages()) > countBefore, 'nothing is on record');
        } finally {
          await test.change(`
            delete from card_number where number_id in (select number_id from was);
            insert into card_number select * from was;
            drop table was;`);
        }
        for (const [index, pan] of pans.entries()) {
          const answer = await test.issuer.numberOf(LETTERS, tokens[index] ?? '');
          assert.equal(unpad(answer.data.cardNumber), pan);
        }
      });
    }
  });
}

/** Sets columns of each of the two rows of `pair` to what the other one has in `was`. */
function otherwise(
  table: string,
  columns: readonly string[],
  first: string,
  second: string,
): string {
  const other = (column: string) =>
    `(select o.${column} from was o where o.token <> ${table}.token)`;
  const withoutToken = columns.filter((column) => column !== 'token');
  const sets = withoutToken.map((column) => `${column} = ${other(column)}`);
  const rest = sets.length > 0 ? `update ${table} set ${sets.join(', ')};` : '';
  if (!columns.includes('token')) return rest;
  return `${rest}
    update ${table} set token = case when token = '${first}' then '${second}' else '${first}' end;`;
}
