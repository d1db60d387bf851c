import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { luhnResidue } from '@pantoken/pan-token';
import type { PlannedOrganization } from '../src/cli/sandbox-plan.ts';
import { Refusal } from '../src/domain/error.ts';
import { parseOrganizationNumber } from '../src/domain/organization-number.ts';
import { parseFormats, type TokenFormatSpec } from '../src/domain/token-format.ts';
import { panOf } from './harness/numbers.ts';
import { editByHand, operator, startService } from './harness/service.ts';

const planned = (
  number: number,
  format: TokenFormatSpec,
  prefix: string,
  panLength: number,
): PlannedOrganization => ({
  organization: {
    number: parseOrganizationNumber(number),
    name: `Organization ${number}`,
    panTokenOn: true,
    formats: parseFormats([format]),
  },
  ranges: [{ prefix, logo: 1, panLength }],
});

const random = { engine: 'random', alphabet: 'numeric', keepFirst: 8, keepLast: 4 } as const;
const short = { engine: 'random', alphabet: 'alphanumeric', keepFirst: 0, keepLast: 4 } as const;

/** 9,000 tokens for one BIN and last four; and ten numbers in all. */
const tests = await startService([
  planned(10, random, '54020812', 16),
  planned(20, short, '54020912345', 13),
]);
const { issuer } = tests;

describe('random tokens', () => {
  it('are drawn again while they are taken, and refused when none is free', async () => {
    const pan = panOf('54020812', 4_711);
    const last = pan.slice(-4);
    const all = Array.from(
      { length: 10_000 },
      (_, middle) => `54020812${String(middle).padStart(4, '0')}${last}`,
    ).filter((token) => luhnResidue(token) !== 0);
    assert.equal(all.length, 9_000);
    take(all.filter((token) => !token.startsWith('540208127')));
    const { data } = await issuer.create({ organizationNumber: 10, cardNumber: pan });
    assert.match(data.cardNumber, /^000540208127/);

    const taken = data.cardNumber.slice(3);
    take(all.filter((token) => token.startsWith('540208127') && token !== taken));
    const other = Array.from(
      { length: 10_000 },
      (_, middle) => `54020812${String(middle).padStart(4, '0')}${last}`,
    ).find((number) => luhnResidue(number) === 0 && number !== pan);
    const refused = await issuer.create({ organizationNumber: 10, cardNumber: other });
    assert.deepEqual([refused.status, refused.code], [422, 'TOKENS_EXHAUSTED']);
  });

  it('of the same PAN stay the same, taken or not', async () => {
    const pan = panOf('54020812', 4_711);
    const again = { organizationNumber: 10, cardNumber: pan, cardSequence: 2 };
    const { cardNumber } = (await issuer.create(again)).data;
    assert.equal((await issuer.tokenOf(10, pan)).data.panToken, cardNumber);
  });
});

describe('the numbers of a BIN range', () => {
  it('are each drawn once, and refused when all are out', async () => {
    const tokens = new Set<string>();
    let refusals = 0;
    // The last free one of ten is missed by chance in 40 draws once in 70 times.
    while (tokens.size < 10 && refusals < 50) {
      const { code, envelope } = await issuer.create({ organizationNumber: 20 });
      if (envelope.data) tokens.add(envelope.data.cardNumber);
      else {
        assert.equal(code, 'BIN_RANGE_EXHAUSTED');
        refusals++;
      }
    }
    const over = await issuer.create({ organizationNumber: 20 });
    assert.deepEqual([over.status, over.code], [422, 'BIN_RANGE_EXHAUSTED']);
    const numbers = new Set<string>();
    for (const token of tokens) {
      const { cardNumber } = (await issuer.numberOf(20, token)).data;
      assert.match(cardNumber, /^00000054020912345[0-9]{2}$/);
      numbers.add(cardNumber);
    }
    assert.equal(numbers.size, 10);
  });

  it('that are all out cannot replace one another', async () => {
    const [row] = tests.rows('select token from card_number where organization = 20');
    const action = { organizationNumber: 20, cardNumber: String(row?.token), cardAction: 3 };
    assert.equal((await issuer.act(action)).code, 'BIN_RANGE_EXHAUSTED');
  });
});

describe('an organization', () => {
  const register = (number: number, prefix: string) => {
    const { organization, ranges } = planned(number, random, prefix, 16);
    return tests.service.register.addOrganization(operator, organization, ranges);
  };

  it('is not registered with a BIN range that overlaps one of another', async () => {
    for (const prefix of ['540208', '54020812', '540208123']) {
      await assert.rejects(register(30, prefix), refusal('BIN_RANGE_TAKEN'));
    }
    await assert.rejects(register(10, '411111'), refusal('ALREADY_REGISTERED'));
    const [row] = tests.rows('select count(*) as n from organization');
    assert.equal(row?.n, 2);
  });

  it('that was refused leaves no key and no range behind', async () => {
    const [keys] = tests.rows('select count(*) as n from wrapped_key where organization = 30');
    const [ranges] = tests.rows("select count(*) as n from bin_range where prefix = '411111'");
    assert.deepEqual([keys?.n, ranges?.n], [0, 0]);
  });
});

function refusal(code: string) {
  return (error: unknown) => error instanceof Refusal && error.code === code;
}

/** Tokens of numbers that nobody asks for, as if they had been drawn long ago. */
function take(tokens: readonly string[]): void {
  editByHand(tests.home, (database) => {
    const insert = database.prepare(`
      insert into card_number (organization, number_id, lineage, pan_index, token, epoch,
        data_key_epoch, sealed_pan, created_at)
      values (10, ?1, ?1, ?2, ?3, 0, 1, x'00', 0)`);
    database.exec('begin');
    for (const token of tokens) insert.run(randomBytes(16), randomBytes(32), token);
    database.exec('commit');
  });
}
