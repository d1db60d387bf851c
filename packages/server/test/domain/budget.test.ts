import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type BudgetLimits,
  bookAllowance,
  DAY_MS,
  DEFAULT_LIMITS,
  HOUR_MS,
  makeSpending,
} from '../../src/domain/budget.ts';

const limits: BudgetLimits = {
  total: { hour: 8, day: 12 },
  book: { hour: 3, day: 5 },
  bookFloor: 1,
  bookShare: 1,
};

describe('budgets', () => {
  it('never let more new cards through in any hour or day than they allow', () => {
    const steps = fc.array(
      fc.record({
        afterMs: fc.integer({ min: 0, max: 3 * HOUR_MS }),
        card: fc.integer({ min: 0, max: 40 }),
        book: fc.integer({ min: 0, max: 3 }),
      }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, (given) => {
        const spending = makeSpending();
        const taken: { atMs: number; book: number }[] = [];
        let nowMs = 1_000_000;
        for (const { afterMs, card, book } of given) {
          nowMs += afterMs;
          if (spending.has(card, nowMs)) continue;
          const subject = { card, book, bookSize: 100_000 };
          if (spending.findExhaustion(subject, limits, nowMs) !== undefined) continue;
          spending.add(card, book, nowMs);
          taken.push({ atMs: nowMs, book });
          for (const [window, length] of [
            ['hour', HOUR_MS],
            ['day', DAY_MS],
          ] as const) {
            const inWindow = taken.filter(({ atMs }) => atMs > nowMs - length);
            equal(inWindow.length <= limits.total[window], true);
            equal(
              inWindow.filter((each) => each.book === book).length <= limits.book[window],
              true,
            );
            equal(spending.used(nowMs)[window], inWindow.length);
          }
        }
      }),
    );
  });

  it('say when there is room again, and then there is', () => {
    const spending = makeSpending();
    for (const card of [1, 2, 3]) spending.add(card, 7, 1_000 * card);
    const subject = { card: 4, book: 7, bookSize: 100_000 };
    const found = spending.findExhaustion(subject, limits, 10_000);
    deepEqual(found, { budget: 'book', window: 'hour', freeAtMs: 1_000 + HOUR_MS });
    equal(spending.findExhaustion(subject, limits, 1_000 + HOUR_MS), undefined);
    equal(spending.has(1, 1_000 + HOUR_MS), true);
    equal(spending.has(1, 1_000 + DAY_MS), false);
  });

  it('are half of a percent of a book of 100,000 a day, and less of a smaller one', () => {
    deepEqual(bookAllowance(DEFAULT_LIMITS, 100_000), { hour: 100, day: 500 });
    deepEqual(bookAllowance(DEFAULT_LIMITS, 10_000), { hour: 50, day: 50 });
    deepEqual(bookAllowance(DEFAULT_LIMITS, 1_000), { hour: 30, day: 30 });
  });
});
