/** How many different cards somebody may ask about in a sliding hour and a sliding day. */
export interface Allowance {
  readonly hour: number;
  readonly day: number;
}

/** The limits of one requester. */
export interface BudgetLimits {
  /** All cards together. */
  readonly total: Allowance;
  /** The cards that share what tokens keep, first and last digits: a book. */
  readonly book: Allowance;
  /**
   * A book never has less than this in a day, however few numbers it has: honest traffic falls on
   * small books, too.
   */
  readonly bookFloor: number;
  /** A book of n numbers has n divided by this in a day, when that is less than `book` says. */
  readonly bookShare: number;
}

/**
 * 500 of the 100,000 numbers of a book in a day are half of a percent, and 100 an hour. All cards
 * together: 100,000 an hour and 500,000 a day, ten times what a busy channel asks, and for a
 * dictionary spread over many books five numbers a day. docs/budgets.md has the reckoning.
 */
export const DEFAULT_LIMITS: BudgetLimits = {
  total: { hour: 100_000, day: 500_000 },
  book: { hour: 100, day: 500 },
  bookFloor: 30,
  bookShare: 200,
};

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** A card as budgets know it: keyed digests, integers from 0 to 2 ** 52 - 1. */
export interface BudgetSubject {
  readonly card: number;
  readonly book: number;
  /** How many numbers the book has. */
  readonly bookSize: number;
}

/** Which limit stands in the way, and when it may be free again. */
export interface Exhaustion {
  readonly budget: 'total' | 'book';
  readonly window: 'hour' | 'day';
  readonly freeAtMs: number;
}

/**
 * What one requester has asked about. A card counts from when it was first asked about, for a day;
 * asking again meanwhile costs nothing, because nothing new is learned by it.
 */
export interface Spending {
  /** Whether the card counts already. */
  has(card: number, nowMs: number): boolean;
  /** @returns undefined where there is room. */
  findExhaustion(
    subject: BudgetSubject,
    limits: BudgetLimits,
    nowMs: number,
  ): Exhaustion | undefined;
  /** Counts a card; one that counts already is left as it is. @param atMs not later than now. */
  add(card: number, book: number, atMs: number): void;
  /** How many count now. */
  used(nowMs: number): Allowance;
}

interface Entry {
  readonly atMs: number;
  readonly card: number;
  readonly book: number;
}

/** The limits of a book by its size. */
export function bookAllowance(
  { book, bookFloor, bookShare }: BudgetLimits,
  size: number,
): Allowance {
  const day = Math.min(book.day, Math.max(bookFloor, Math.floor(size / bookShare)));
  return { hour: Math.min(book.hour, day), day };
}

/** Memory is bounded by the limits: what is beyond them is refused and not kept. */
export function makeSpending(): Spending {
  /** By time. Those before `dayStart` count no more; those before `hourStart` not in the hour. */
  let entries: Entry[] = [];
  let dayStart = 0;
  let hourStart = 0;
  const cards = new Set<number>();
  const books = new Map<number, { hour: number; day: number }>();

  function expire(nowMs: number): void {
    for (let entry = entries[hourStart]; entry !== undefined; entry = entries[hourStart]) {
      if (entry.atMs > nowMs - HOUR_MS) break;
      hourStart++;
      const counts = books.get(entry.book);
      if (counts !== undefined) counts.hour--;
    }
    for (let entry = entries[dayStart]; entry !== undefined; entry = entries[dayStart]) {
      if (entry.atMs > nowMs - DAY_MS) break;
      dayStart++;
      cards.delete(entry.card);
      const counts = books.get(entry.book);
      if (counts !== undefined && --counts.day === 0) books.delete(entry.book);
    }
    if (dayStart > 1_000 && dayStart > entries.length / 2) {
      entries = entries.slice(dayStart);
      hourStart -= dayStart;
      dayStart = 0;
    }
  }

  /** When the oldest one of a window, of a book or of all, stops counting. */
  function freeAtMs(start: number, windowMs: number, book?: number): number {
    const oldest =
      book === undefined
        ? entries[start]
        : entries.find((entry, at) => at >= start && entry.book === book);
    return (oldest?.atMs ?? 0) + windowMs;
  }

  return {
    has(card, nowMs) {
      expire(nowMs);
      return cards.has(card);
    },

    findExhaustion({ book, bookSize }, limits, nowMs) {
      expire(nowMs);
      const ofBook = books.get(book) ?? { hour: 0, day: 0 };
      const allowed = bookAllowance(limits, bookSize);
      const { total } = limits;
      if (ofBook.day >= allowed.day) {
        return { budget: 'book', window: 'day', freeAtMs: freeAtMs(dayStart, DAY_MS, book) };
      }
      if (ofBook.hour >= allowed.hour) {
        return { budget: 'book', window: 'hour', freeAtMs: freeAtMs(hourStart, HOUR_MS, book) };
      }
      if (entries.length - dayStart >= total.day) {
        return { budget: 'total', window: 'day', freeAtMs: freeAtMs(dayStart, DAY_MS) };
      }
      if (entries.length - hourStart >= total.hour) {
        return { budget: 'total', window: 'hour', freeAtMs: freeAtMs(hourStart, HOUR_MS) };
      }
      return undefined;
    },

    add(card, book, atMs) {
      if (cards.has(card)) return;
      cards.add(card);
      // In order, so that expiring is a step and not a search; what another node counted a moment ago
      // counts a moment longer.
      const last = entries.at(-1)?.atMs ?? atMs;
      entries.push({ atMs: Math.max(atMs, last), card, book });
      const counts = books.get(book);
      if (counts === undefined) books.set(book, { hour: 1, day: 1 });
      else {
        counts.hour++;
        counts.day++;
      }
    },

    used(nowMs) {
      expire(nowMs);
      return { hour: entries.length - hourStart, day: entries.length - dayStart };
    },
  };
}
