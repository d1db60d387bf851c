import assert, { equal } from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { it } from 'node:test';
import { Refusal } from '../src/domain/error.ts';
import type { OrganizationNumber } from '../src/domain/organization-number.ts';
import { CardNumber } from '../src/domain/pan.ts';
import { BIN, panOf } from '../test/harness/numbers.ts';
import { startService } from '../test/harness/service.ts';

const DAY_MS = 24 * 3_600_000;
const AT_ONCE = 250;

const test = await startService();
const organization = 100 as OrganizationNumber;

/** Asks for the tokens of numbers through a simulated day. @returns how often each code came. */
async function askThroughADay(
  who: 'issuer' | 'channel',
  numbers: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const codes = new Map<string, number>();
  for (let start = 0; start < numbers.length; start += AT_ONCE) {
    await Promise.all(
      numbers.slice(start, start + AT_ONCE).map(async (digits, at) => {
        const number = CardNumber.parseNumber(digits);
        const request = { organization, number, sequence: 1 };
        const asked = test.service.inquireToken(test.callers[who], request, `${start + at}`);
        const code = await asked.then(
          () => 'answered',
          (error) => (error instanceof Refusal ? error.code : 'failed'),
        );
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }),
    );
    test.moveClock((DAY_MS * AT_ONCE) / numbers.length);
  }
  return codes;
}

it('inquiries of 50,000 different customers in a day are not touched', async (t) => {
  const accounts = new Set<number>();
  while (accounts.size < 50_000) accounts.add(randomInt(1_000_000_000));
  const numbers = [...accounts].map((account) =>
    panOf(account % 2 === 0 ? BIN.mastercard : BIN.visa, account),
  );
  const codes = await askThroughADay('issuer', numbers);
  equal(codes.get('BUDGET_EXHAUSTED'), undefined);
  equal(codes.get('CARD_NUMBER_NOT_FOUND'), 50_000);
  t.diagnostic(JSON.stringify(Object.fromEntries(codes)));
});

it('a dictionary of all 100,000 numbers of a book is stopped below 1,000 in a day', async (t) => {
  const numbers: string[] = [];
  for (let middle = 0; numbers.length < 100_000 && middle < 1_000_000; middle++) {
    const pan = panOf(BIN.mastercard + String(middle).padStart(6, '0'), 71);
    if (pan.endsWith('0710')) numbers.push(pan);
  }
  equal(numbers.length, 100_000);
  const codes = await askThroughADay('channel', numbers);
  const learned = codes.get('CARD_NUMBER_NOT_FOUND') ?? 0;
  assert(learned < 1_000, `${learned} candidates`);
  assert.match(test.logText(), /"alarm":"budget_exhausted"/);
  const records = test.audit().filter(({ code }) => code === 'BUDGET_EXHAUSTED').length;
  t.diagnostic(`${JSON.stringify(Object.fromEntries(codes))}, ${records} records of it`);
});
