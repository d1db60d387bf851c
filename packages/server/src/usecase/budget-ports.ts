import type { BudgetSubject } from '../domain/budget.ts';

/** A card that somebody has asked about for the first time in a day. */
export interface Charge {
  readonly atMs: number;
  /** `caller:<id>` or `merchant:<id>`. */
  readonly who: string;
  readonly card: number;
  readonly book: number;
  /** The process that counted it. */
  readonly writer: string;
}

/** A limit that is lifted for a time, once a second operator has approved. */
export interface Lift {
  /** 8 hexadecimal digits. */
  readonly id: string;
  readonly who: string;
  /** Every limit of theirs is this many times as high. */
  readonly times: number;
  readonly reason: string;
  readonly requestedBy: string;
  readonly requestedAtMs: number;
  readonly untilMs: number;
  /** Undefined: it does nothing yet. */
  readonly approvedBy?: string | undefined;
}

/** What is kept of budgets, for all nodes. */
export interface BudgetStore {
  /** Charges from `sinceMs` on, of all processes or of all but one, a page at a time, oldest first. */
  charges(sinceMs: number, exceptWriter?: string): AsyncGenerator<readonly Charge[]>;
  /** Those that have not ended, approved or not. */
  listLifts(nowMs: number): Promise<readonly Lift[]>;
}

/** Makes keyed digests of what is asked about: no number, and nothing it could be found by, is kept. */
export interface BudgetDigest {
  /** @param text the digits of a number, or a token. */
  cardOf(text: string): number;
  /** @param keepFirst how many of the first characters the numbers of a book share. */
  bookOf(text: string, keepFirst: number, keepLast: number): Omit<BudgetSubject, 'card'>;
}
