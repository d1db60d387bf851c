/**
 * Puts budgets together: what is counted, where it is kept, and what other nodes have counted.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import { type BudgetLimits, DEFAULT_LIMITS } from './domain/budget.ts';
import { makeBudgetDigest } from './keys/budget-digest.ts';
import { random } from './keys/random.ts';
import { makeBudgetStore } from './store/budget-store.ts';
import type { Reader } from './store/statements.ts';
import type { Alarm } from './usecase/audit-ports.ts';
import { makeBudgets } from './usecase/budgets.ts';
import type { Clock } from './usecase/ports.ts';
import { makeRequestRate } from './usecase/request-rate.ts';

export interface BudgetSettings {
  readonly budgetLimits?: BudgetLimits;
  /** Requests a minute of each caller and merchant, on each node. */
  readonly requestsPerMinute?: number;
}

export interface BudgetsDeps {
  readonly settings: BudgetSettings;
  readonly reader: Reader;
  /** A key of the service. */
  readonly key: KeyObject;
  readonly alarm: Alarm;
  readonly clock: Clock;
}

/** What one node counts, the others know after this. */
const REFRESH_EVERY_MS = 1_000;

/** 10,000 a second: more than one node serves, so that only who turns it down feels it. */
const REQUESTS_PER_MINUTE = 600_000;

export async function openBudgets({ settings, reader, key, alarm, clock }: BudgetsDeps) {
  const budgetStore = makeBudgetStore(reader);
  const budgets = await makeBudgets({
    store: budgetStore,
    digest: makeBudgetDigest(key),
    alarm,
    clock,
    limits: settings.budgetLimits ?? DEFAULT_LIMITS,
    writer: Buffer.from(random.bytes(4)).toString('hex'),
  });
  const rate = makeRequestRate(clock, settings.requestsPerMinute ?? REQUESTS_PER_MINUTE);
  let underWay: Promise<void> = Promise.resolve();
  let isIdle = true;
  const timer = setInterval(() => {
    if (!isIdle) return;
    isIdle = false;
    // A database that does not answer is noticed elsewhere, and nothing is forgotten by it.
    underWay = budgets
      .refresh()
      .catch(() => undefined)
      .then(() => {
        isIdle = true;
      });
  }, REFRESH_EVERY_MS).unref();
  return {
    budgets,
    rate,
    budgetStore,
    async close(): Promise<void> {
      clearInterval(timer);
      await underWay;
    },
  };
}
