import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { unpad } from './harness/issuer-client.ts';
import { BIN, freshPan } from './harness/numbers.ts';
import { editByHand, startService } from './harness/service.ts';

const tests = await startService();
const { issuer, merchant } = tests;

/** Two cards of one organization, whose rows are mixed up by each test. */
const pans = [freshPan(), freshPan()] as const;
const tokens: string[] = [];

before(async () => {
  for (const cardNumber of pans) {
    tokens.push(
      (await issuer.create({ cardNumber, expirationDate: '2030-11-01' })).data.cardNumber,
    );
    await issuer.create({ cardNumber, cardSequence: 2, postToAccount: '2' });
  }
});

const idOf = (index: number) =>
  `(select number_id from kept where token = '${unpad(tokens[index] ?? '')}')`;

/** Changes rows by hand, looks, and puts all of them back. */
async function changed(sql: string, look: () => Promise<void>): Promise<void> {
  const all = ['card_number', 'card', 'account_change'];
  editByHand(tests.home, (database) => {
    database.exec('create table kept as select * from card_number');
    for (const table of all) database.exec(`create table kept_${table} as select * from ${table}`);
    database.exec(sql);
  });
  try {
    await look();
  } finally {
    editByHand(tests.home, (database) => {
      for (const table of all) {
        database.exec(`delete from ${table}; insert into ${table} select * from kept_${table};
          drop table kept_${table}`);
      }
      database.exec('drop table kept');
    });
  }
}

/** Out and in again: at no moment may two rows have the same index or token. */
const swapped = (column: string) => `
  create temporary table pair as select * from kept where number_id in (${idOf(0)}, ${idOf(1)});
  update pair set ${column} = (select ${column} from kept
    where number_id <> pair.number_id and number_id in (${idOf(0)}, ${idOf(1)}));
  delete from card_number where number_id in (select number_id from pair);
  insert into card_number select * from pair;
  drop table pair;`;

const CHANGES: Readonly<Record<string, () => string>> = {
  'two sealed numbers were exchanged': () => swapped('sealed_pan'),
  'two indexes were exchanged': () => swapped('pan_index'),
  'two tokens were exchanged': () => swapped('token'),
  'the sealed numbers were emptied': () => "update card_number set sealed_pan = x''",
  'a bit of the sealed numbers was flipped': () =>
    'update card_number set sealed_pan = substr(sealed_pan, 1, 43) || zeroblob(1)',
  'the numbers were moved to another lineage': () =>
    `update card_number set lineage = ${idOf(0)} where number_id = ${idOf(1)};
     update card_number set lineage = ${idOf(1)} where number_id = ${idOf(0)}`,
  'a data key was named that there is none of': () =>
    'update card_number set data_key_epoch = 7; update card set data_key_epoch = 7',
  'the numbers were moved to another organization': () =>
    'update card_number set organization = 400 where organization = 100',
};

describe('when', () => {
  for (const [what, sql] of Object.entries(CHANGES)) {
    it(`${what}, no route answers with the number or token of another card`, async () => {
      await changed(sql(), async () => {
        for (const [index, pan] of pans.entries()) {
          const other = { pan: pans[1 - index] ?? '', token: tokens[1 - index] ?? '' };
          const token = tokens[index] ?? '';
          const replies = [
            await issuer.tokenOf(100, pan),
            await issuer.numberOf(100, token),
            await issuer.create({ cardNumber: pan, cardSequence: 3 }),
            await issuer.act({ cardNumber: pan, cardAction: 2 }),
            await issuer.act({ cardNumber: token, cardAction: 2 }),
            await merchantAsks(pan),
          ];
          for (const { text } of replies) {
            assert(!text.includes(other.pan) && !text.includes(unpad(other.token)), text);
          }
        }
      });
      // All is as it was: it was not the test that broke it.
      assert.equal((await issuer.numberOf(100, tokens[0] ?? '')).data.cardNumber, `000${pans[0]}`);
    });
  }

  it('the details of two cards were exchanged, none is shown', async () => {
    const sql = `update card set sealed_details = (select sealed_details from kept_card
      where kept_card.number_id = card.number_id and kept_card.sequence = 3 - card.sequence)`;
    await changed(sql, async () => {
      for (const cardSequence of [1, 2]) {
        const reply = await issuer.tokenOf(100, pans[0], { cardSequence });
        assert.equal(reply.code, 'VPL5SIE33S');
      }
    });
  });

  it('a token of one organization is sent to another, it is not its own', async () => {
    const random = (await issuer.create({ organizationNumber: 400 })).data.cardNumber;
    const numeric = (
      await issuer.create({ organizationNumber: 200, cardNumber: freshPan(BIN.numeric) })
    ).data.cardNumber;
    for (const [organizationNumber, token] of [
      [200, tokens[0]],
      [400, tokens[0]],
      [100, random],
      [100, numeric],
      [200, random],
    ] as const) {
      const reply = await issuer.numberOf(organizationNumber, token ?? '');
      assert.match(String(reply.code), /VPL5SEA05E|VPL5SCI05S/);
    }
  });
});

/** The answer, decrypted where it is one. */
async function merchantAsks(pan: string): Promise<{ status: number; text: string }> {
  const { merchantid } = merchant.credentials;
  const reply = await merchant.post(
    JSON.stringify({ pan, expmonth: '11', expyear: '2030', merchantid }),
  );
  return reply.status === 200
    ? { status: 200, text: JSON.stringify(merchant.decrypt(reply)) }
    : reply;
}
