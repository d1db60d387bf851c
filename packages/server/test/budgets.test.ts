import assert, { deepEqual, equal, notEqual } from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { makeBudgetDigest } from '../src/keys/budget-digest.ts';
import { makeIssuerClient, unpad } from './harness/issuer-client.ts';
import { BIN, panOf } from './harness/numbers.ts';
import { startService, type TestService } from './harness/service.ts';

/** A number of the book of a BIN and last four digits: 100,000 of them, one for each `index`. */
function candidate(bin: string, last4: string, index: number): string {
  // The five digits between run through all; the check digit is the last of the four, so one of ten
  // of 10 ** 6 bodies fits.
  for (let tries = 0; tries < 10; tries++) {
    const middle = String((index * 10 + tries) % 1_000_000).padStart(6, '0');
    const pan = panOf(bin + middle, Number(last4.slice(0, 3)), 16);
    if (pan.endsWith(last4)) return pan;
  }
  throw new Error('each ten bodies have one with this check digit');
}

/** Tries candidates of one book, evenly through some hours, signing in as often as one has to. */
async function attack(
  test: Pick<TestService, 'channel' | 'moveClock' | 'send'>,
  count: number,
  hours: number,
): Promise<{ answered: number; refused: number; retryAfter: unknown }> {
  const result = { answered: 0, refused: 0, retryAfter: undefined as unknown };
  const stepMs = (hours * 3_600_000) / count;
  let client = test.channel;
  let signedInForMs = Number.POSITIVE_INFINITY;
  for (let index = 0; index < count; index++) {
    if (signedInForMs > 600_000) {
      client = makeIssuerClient(test.send, test.channel.credentials);
      signedInForMs = 0;
    }
    const reply = await client.tokenOf(100, candidate(BIN.mastercard, '0710', index * 17));
    if (reply.status === 429) {
      equal(reply.code, 'BUDGET_EXHAUSTED');
      result.refused++;
      result.retryAfter = reply.headers['retry-after'];
    } else {
      equal(reply.code, 'VPL5SCI05S');
      result.answered++;
    }
    test.moveClock(stepMs);
    signedInForMs += stepMs;
  }
  return result;
}

describe('a dictionary of the numbers that share a BIN and last four digits', () => {
  it('is stopped below 1 % of 100,000 in a day, with an alarm and a few records', async () => {
    const test = await startService();
    const { answered, refused, retryAfter } = await attack(test, 4_000, 23.5); // The machine takes its time, too.
    equal(answered + refused, 4_000);
    assert(answered < 1_000, `${answered} answered`);
    equal(answered, 500);
    assert(Number(retryAfter) > 0);
    assert.match(test.logText(), /"alarm":"budget_exhausted"/);
    const records = test.audit().filter(({ code }) => code === 'BUDGET_EXHAUSTED');
    assert(records.length > 0 && records.length < refused / 4, `${records.length} records`);
  });

  it('is not let on by a restart', async () => {
    const test = await startService();
    const first = await attack(test, 150, 0.1);
    equal(first.answered, 100);
    await test.restart();
    const pan = candidate(BIN.mastercard, '0710', 90_001);
    equal((await test.channel.tokenOf(100, pan)).status, 429);
    equal(
      (await test.issuer.tokenOf(100, pan)).code,
      'VPL5SCI05S',
      'another caller is not stopped',
    );
  });

  it('is stopped whichever call it uses, and tokens that open to nothing count, too', async () => {
    const test = await startService();
    const { cardNumber } = (await test.issuer.create()).data;
    const token = unpad(cardNumber);
    let answered = 0;
    for (let index = 0; index < 120; index++) {
      const guess = `${token.slice(0, 7)}${String(index).padStart(5, '0')}${token.slice(-4)}`;
      if ((await test.issuer.numberOf(100, guess)).status !== 429) answered++;
    }
    equal(answered, 100);
    equal((await test.issuer.numberOf(100, token)).status, 429);

    answered = 0;
    for (let index = 0; index < 120; index++) {
      const fields = { cardNumber: candidate(BIN.visa, '1111', index) };
      if ((await test.issuer.create(fields)).status !== 429) answered++;
    }
    equal(answered, 100);

    const body = (pan: string) =>
      JSON.stringify({
        ...{ pan, expmonth: '11', expyear: '2030' },
        merchantid: test.merchant.credentials.merchantid,
      });
    let last = 0;
    for (let index = 0; index < 101; index++) {
      const pan = candidate(BIN.numeric, '2222', index);
      test.registry.add(pan);
      last = (await test.merchant.post(body(pan))).status;
    }
    equal(last, 429);
  });

  it('does not stop asking again about cards that were asked about', async () => {
    const test = await startService();
    await attack(test, 150, 0.1);
    for (let round = 0; round < 3; round++) {
      const pan = candidate(BIN.mastercard, '0710', 0);
      equal((await test.channel.tokenOf(100, pan)).code, 'VPL5SCI05S');
    }
  });

  it('keeps digests in the database and nothing they could be found by', async () => {
    const test = await startService();
    await attack(test, 20, 0.1);
    const rows = test.rows('select * from budget_charge');
    equal(rows.length, 20);
    deepEqual(Object.keys(rows[0] ?? {}).sort(), ['book', 'card', 'charged_at', 'who', 'writer']);
    equal(new Set(rows.map(({ book }) => book)).size, 1);
    equal(new Set(rows.map(({ card }) => card)).size, 20);
  });
});

describe('lifting a limit', () => {
  it('takes two operators, holds for its time, and is on record', async () => {
    const test = await startService();
    const { liftBudget, budgets } = test.service.audit;
    const who = `caller:${test.callers.channel.id}`;
    await attack(test, 150, 0.1);
    const given = { who, times: 3, hours: 2, reason: 'bulk conversion of a portfolio' };
    const lift = await liftBudget.request('alice', given, 'test');
    const refused = { code: 'LIFT_NEEDS_ANOTHER' };
    await assert.rejects(liftBudget.approve('Alice ', lift.id, 'test'), refused);
    const pan = candidate(BIN.mastercard, '0710', 80_000);
    await budgets.refresh();
    equal((await test.channel.tokenOf(100, pan)).status, 429);
    await liftBudget.approve('bob', lift.id, 'test');
    await budgets.refresh();
    equal((await test.channel.tokenOf(100, pan)).code, 'VPL5SCI05S');
    test.moveClock(2 * 3_600_000 + 1);
    await budgets.refresh();
    deepEqual(await liftBudget.list(), []);
    const actions = test.audit().map(({ action, outcome }) => `${action} ${outcome}`);
    for (const each of ['request_lift done', 'approve_lift refused', 'approve_lift done']) {
      assert(actions.includes(each), each);
    }
    await assert.rejects(liftBudget.request('eve', { ...given, who: 'operator' }, 'test'), {
      code: 'REQUEST_INVALID',
    });
    await assert.rejects(liftBudget.approve('bob', 'ffffffff', 'test'), { code: 'LIFT_NOT_FOUND' });
  });
});

describe('the book of a card', () => {
  const { bookOf, cardOf } = makeBudgetDigest(createSecretKey(randomBytes(32)));

  it('is that of the last four digits of a receipt, even where tokens keep none', () => {
    const [one, other] = ['5402080000010710', '5402080000020710'] as const;
    for (const keepLast of [0, 2, 4]) {
      equal(bookOf(one, 6, keepLast).book, bookOf(other, 6, keepLast).book);
      equal(bookOf(one, 6, keepLast).bookSize, 100_000);
      notEqual(cardOf(one), cardOf(other));
    }
    notEqual(bookOf(one, 6, 4).book, bookOf('5402080000010711', 6, 4).book);
    notEqual(bookOf(one, 6, 4).book, bookOf('5402090000010710', 6, 4).book);
  });
});
