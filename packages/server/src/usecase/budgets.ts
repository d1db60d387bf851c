import {
  type BudgetLimits,
  DAY_MS,
  type Exhaustion,
  HOUR_MS,
  makeSpending,
  type Spending,
} from '../domain/budget.ts';
import { Refusal } from '../domain/error.ts';
import type { Alarm } from './audit-ports.ts';
import type { BudgetDigest, BudgetStore, Lift } from './budget-ports.ts';
import type { Change, Clock } from './ports.ts';

export interface BudgetsDeps {
  readonly store: BudgetStore;
  readonly digest: BudgetDigest;
  readonly alarm: Alarm;
  readonly clock: Clock;
  readonly limits: BudgetLimits;
  /** Names this process among those that share the store. */
  readonly writer: string;
}

/** Keeps count of how many different cards each requester asks about, on all nodes together. */
export interface Budgets {
  /**
   * Counts a card that is asked about: before anything is looked up, so that what is not found counts
   * as what is.
   *
   * @param who `caller:<id>` or `merchant:<id>`; anybody else is not counted.
   * @returns what is to be made durable with the record of the request; nothing where the card counts
   *   already.
   * @throws {Refusal} `BUDGET_EXHAUSTED` with `retryAfterSeconds`.
   */
  spend(
    who: string,
    text: string,
    keep: { readonly keepFirst: number; readonly keepLast: number },
  ): readonly Change[];
  /** Whether a refusal is the first of its period, and so the one that goes on record. */
  isFirst(refusal: Refusal): boolean;
  /** The first refusal of a period could not be recorded: the next one is the first. */
  unrecorded(who: string): void;
  /** Takes in what other nodes have counted since the last call, and the lifts that hold. */
  refresh(): Promise<void>;
  /** The largest part of a limit that anybody has used, by window; for metrics. */
  largestUse(): { readonly hour: number; readonly day: number };
}

/** Clocks of nodes agree to within this, and a commit takes no longer. */
const OVERLAP_MS = 10_000;

const SWEEP_EVERY_MS = 60_000;

/** So many refused books of one requester are remembered; then the memory of them starts anew. */
const REFUSED_BOOKS_MAX = 10_000;

/** @throws {Error} when what was counted before cannot be read: it would be forgotten. */
export async function makeBudgets(deps: BudgetsDeps): Promise<Budgets> {
  const { store, digest, alarm, clock, limits, writer } = deps;
  const spendings = new Map<string, Spending>();
  const refusing = makeRefusing(alarm);
  let lifts: ReadonlyMap<string, number> = new Map();
  let sweptAtMs = clock.nowMs();
  let seenThroughMs = clock.nowMs() - DAY_MS;

  function spendingOf(who: string): Spending {
    const known = spendings.get(who);
    if (known !== undefined) return known;
    const made = makeSpending();
    spendings.set(who, made);
    return made;
  }

  async function takeIn(exceptWriter?: string): Promise<void> {
    const startedAtMs = clock.nowMs();
    for await (const page of store.charges(seenThroughMs, exceptWriter)) {
      for (const { who, card, book, atMs } of page) spendingOf(who).add(card, book, atMs);
    }
    seenThroughMs = startedAtMs - OVERLAP_MS;
    const next = liftsBySomebody(await store.listLifts(startedAtMs));
    for (const who of new Set([...lifts.keys(), ...next.keys()])) {
      if (lifts.get(who) !== next.get(who)) refusing.end(who);
    }
    lifts = next;
  }

  /** Once in a while what counts no more is removed from the store. */
  function sweep(nowMs: number): readonly Change[] {
    if (nowMs - sweptAtMs < SWEEP_EVERY_MS) return [];
    sweptAtMs = nowMs;
    return [{ kind: 'forget_charges', beforeMs: nowMs - DAY_MS - HOUR_MS }];
  }

  await takeIn();
  return {
    spend(who, text, { keepFirst, keepLast }) {
      if (!who.startsWith('caller:') && !who.startsWith('merchant:')) return [];
      const nowMs = clock.nowMs();
      const card = digest.cardOf(text);
      const spending = spendingOf(who);
      if (spending.has(card, nowMs)) return [];
      const subject = { card, ...digest.bookOf(text, keepFirst, keepLast) };
      refusing.repeat(who, subject.book, nowMs);
      const lifted = liftedLimits(limits, lifts.get(who));
      const found = spending.findExhaustion(subject, lifted, nowMs);
      if (found !== undefined) throw refusing.begin(who, subject.book, found, nowMs);
      const { book } = subject;
      spending.add(card, book, nowMs);
      return [
        { kind: 'add_charge', charge: { atMs: nowMs, who, card, book, writer } },
        ...sweep(nowMs),
      ];
    },
    isFirst: refusing.isFirst,
    unrecorded: refusing.end,
    refresh: () => takeIn(writer),
    largestUse() {
      const use = { hour: 0, day: 0 };
      const nowMs = clock.nowMs();
      for (const [who, spending] of spendings) {
        const { hour, day } = spending.used(nowMs);
        if (day === 0) spendings.delete(who);
        const { total } = liftedLimits(limits, lifts.get(who));
        use.hour = Math.max(use.hour, hour / total.hour);
        use.day = Math.max(use.day, day / total.day);
      }
      return use;
    },
  };
}

/** The times for which somebody is refused: in one of them nothing is searched or recorded again. */
function makeRefusing(alarm: Alarm) {
  const total = new Map<string, Exhaustion>();
  const byBook = new Map<string, Map<number, Exhaustion>>();
  const firsts = new WeakSet<Refusal>();

  function refusalOf({ budget, window, freeAtMs }: Exhaustion, nowMs: number): Refusal {
    const retryAfterSeconds = Math.max(1, Math.ceil((freeAtMs - nowMs) / 1000));
    return new Refusal('BUDGET_EXHAUSTED', { budget, window, retryAfterSeconds });
  }

  return {
    isFirst: (refusal: Refusal) => firsts.has(refusal),
    /** @throws {Refusal} `BUDGET_EXHAUSTED` while a time goes on. */
    repeat(who: string, book: number, nowMs: number): void {
      const known = [byBook.get(who)?.get(book), total.get(who)];
      const found = known.find((each) => each !== undefined && nowMs < each.freeAtMs);
      if (found !== undefined) throw refusalOf(found, nowMs);
    },
    /** Raises the alarm. @returns the one refusal of the time that goes on record. */
    begin(who: string, book: number, found: Exhaustion, nowMs: number): Refusal {
      if (found.budget === 'total') {
        total.set(who, found);
      } else {
        const books = byBook.get(who) ?? new Map<number, Exhaustion>();
        if (books.size >= REFUSED_BOOKS_MAX) books.clear();
        byBook.set(who, books.set(book, found));
      }
      const refusal = refusalOf(found, nowMs);
      firsts.add(refusal);
      alarm.raise('budget_exhausted', { who, budget: found.budget, window: found.window });
      return refusal;
    },
    end(who: string): void {
      total.delete(who);
      byBook.delete(who);
    },
  };
}

/** Of several lifts the highest one holds. */
function liftsBySomebody(lifts: readonly Lift[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const lift of lifts) {
    if (lift.approvedBy === undefined) continue;
    times.set(lift.who, Math.max(lift.times, times.get(lift.who) ?? 1));
  }
  return times;
}

function liftedLimits(limits: BudgetLimits, times = 1): BudgetLimits {
  if (times === 1) return limits;
  const { total, book, bookFloor, bookShare } = limits;
  return {
    total: { hour: total.hour * times, day: total.day * times },
    book: { hour: book.hour * times, day: book.day * times },
    bookFloor: bookFloor * times,
    bookShare: bookShare / times,
  };
}
