import { Refusal } from '../domain/error.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { Clock } from './ports.ts';

/** Requests of each requester on this node, whatever they ask. */
export interface RequestRate {
  /** @throws {Refusal} `RATE_EXCEEDED` with `retryAfterSeconds`. */
  demand(who: string): void;
  /** Whether a refusal is the first of its minute, and so the one that goes on record. */
  isFirst(refusal: Refusal): boolean;
}

const MINUTE_MS = 60_000;

/** Refusals that are the first of their minute. */
const firsts = new WeakSet<Refusal>();

/** Refusals of those who want too much: one a minute of each goes on record. */
export function makeLimitRefusals({ nowMs }: Clock) {
  const recordedAtMs = new Map<string, number>();
  return {
    refuse(
      who: string,
      code: 'RATE_EXCEEDED' | 'QUOTA_EXCEEDED',
      facts: Refusal['facts'],
      retryAfterSeconds: number,
    ): Refusal {
      const refusal = new Refusal(code, { ...facts, retryAfterSeconds });
      const now = nowMs();
      if (now - (recordedAtMs.get(who) ?? Number.NEGATIVE_INFINITY) >= MINUTE_MS) {
        recordedAtMs.set(who, now);
        firsts.add(refusal);
      }
      return refusal;
    },
  };
}

interface Bucket {
  /** Requests that may come at once. */
  room: number;
  filledAtMs: number;
}

/** Buckets that fill evenly and hold ten seconds' worth, so that a burst is served and a flood is not. */
export function makeBuckets({ nowMs }: Clock) {
  const buckets = new Map<string, Bucket>();
  return {
    /**
     * Takes one from a bucket.
     *
     * @param perMinute 1 or more.
     * @returns the seconds until there is one; 0 when it was taken.
     */
    take(who: string, perMinute: number): number {
      const now = nowMs();
      const roomMax = Math.max(1, perMinute / 6);
      const bucket = buckets.get(who) ?? { room: roomMax, filledAtMs: now };
      buckets.set(who, bucket);
      const filled = (Math.max(0, now - bucket.filledAtMs) * perMinute) / MINUTE_MS;
      bucket.room = Math.min(roomMax, bucket.room + filled);
      bucket.filledAtMs = now;
      if (bucket.room < 1) return Math.max(1, Math.ceil(((1 - bucket.room) * 60) / perMinute));
      bucket.room--;
      return 0;
    },
  };
}

/**
 * It is for the other callers' sake; what one caller learns is what budgets limit.
 *
 * @param perMinute 1 or more.
 */
export function makeRequestRate(clock: Clock, perMinute: number): RequestRate {
  const buckets = makeBuckets(clock);
  const refusals = makeLimitRefusals(clock);
  return {
    demand(who) {
      const seconds = buckets.take(who, perMinute);
      if (seconds > 0) throw refusals.refuse(who, 'RATE_EXCEEDED', {}, seconds);
    },
    isFirst: (refusal) => firsts.has(refusal),
  };
}

/** Validations of each merchant on this node, whatever becomes of them. */
export interface ValidationQuota {
  /** @throws {Refusal} `QUOTA_EXCEEDED` with `retryAfterSeconds`. */
  demand(merchant: Merchant): void;
}

/** What is agreed with a merchant; one that has no quota of its own has none. */
export function makeValidationQuota(clock: Clock): ValidationQuota {
  const buckets = makeBuckets(clock);
  const refusals = makeLimitRefusals(clock);
  return {
    demand({ id, validationsPerMinute }) {
      if (validationsPerMinute === undefined) return;
      const seconds = buckets.take(id, validationsPerMinute);
      if (seconds === 0) return;
      throw refusals.refuse(id, 'QUOTA_EXCEEDED', { quota: 'validations' }, seconds);
    },
  };
}
