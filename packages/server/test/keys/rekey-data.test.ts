import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseOrganizationNumber } from '../../src/domain/organization-number.ts';
import { KEY_OPERATOR, NO_REPORT, until, withKeyTools } from '../harness/key-tools.ts';
import { freshPan } from '../harness/numbers.ts';
import { editByHand, startService } from '../harness/service.ts';

const test = await startService();
const LETTERS = parseOrganizationNumber(100);
const pan = freshPan();
await test.issuer.create({ cardNumber: pan });

/** With one node there is nobody to wait for. */
const rekey = () =>
  withKeyTools(test, (tools) => tools.rekeyData(KEY_OPERATOR, LETTERS, NO_REPORT), {
    pause: async () => undefined,
  });
const states = () =>
  test.rows(`select epoch, state from key_epoch where organization = 100 and purpose = 'data'
    order by epoch`);

describe('a new data key', () => {
  it('is begun anew where a run that others overtook has left its job', async () => {
    assert.equal((await rekey()).epoch, 2);
    assert.equal((await rekey()).epoch, 3);
    editByHand(test.home, (database) =>
      database.exec(`insert into key_job (organization, job, epoch, position, done_count, started_at,
        updated_at) values (100, 'rekey-data', 2, zeroblob(16), 0, 1, 1)`),
    );
    assert.deepEqual(await rekey(), { epoch: 4, remainingCount: 0 });
    assert.deepEqual(
      states().map(({ state }) => state),
      ['open-only', 'open-only', 'open-only', 'active'],
    );
    await test.restart();
    assert.equal((await test.issuer.tokenOf(100, pan)).status, 200);
  });

  it('leaves damaged texts as they are, counts them, and goes on with the rest', async () => {
    const [number, details] = [freshPan(), freshPan()];
    for (const cardNumber of [number, details]) await test.issuer.create({ cardNumber });
    const ids = test.rows('select number_id from card_number order by created_at desc limit 2');
    const [second, first] = ids.map(({ number_id: id }) => id as Uint8Array);
    editByHand(test.home, (database) => {
      const zero = (table: string, column: string, id: Uint8Array | undefined) =>
        database
          .prepare(`update ${table} set ${column} = zeroblob(60) where number_id = ?`)
          .run(id ?? null);
      zero('card_number', 'sealed_pan', first);
      zero('card', 'sealed_details', second);
    });
    // The number with its card, and the details of the other one.
    assert.deepEqual(await rekey(), { epoch: 5, remainingCount: 3 });
    await until(async () => (await test.issuer.tokenOf(100, pan)).status === 200);
    for (const damaged of [number, details]) {
      assert.notEqual((await test.issuer.tokenOf(100, damaged)).status, 200);
    }
  });
});
