import { Refusal } from '../domain/error.ts';
import type { Clock } from './ports.ts';

/** Requests of each requester on this node, whatever they ask. */
export interface RequestRate {
  /** @throws {Refusal} `RATE_EXCEEDED` with `retryAfterSeconds`. */
  demand(who: string): void;
  /** Whether a refusal is the first of its minute, and so the one that goes on record. */
  isFirst(refusal: Refusal): boolean;
}

const MINUTE_MS = 60_000;

interface Bucket {
  /** Requests that may come at once. */
  room: number;
  filledAtMs: number;
  recordedAtMs: number;
}

/**
 * A bucket that fills evenly and holds ten seconds' worth, so that a burst is served and a flood is
 * not. It is for the other callers' sake; what one caller learns is what budgets limit.
 *
 * @param perMinute 1 or more.
 */
export function makeRequestRate({ nowMs }: Clock, perMinute: number): RequestRate {
  const buckets = new Map<string, Bucket>();
  const firsts = new WeakSet<Refusal>();
  const roomMax = Math.max(1, perMinute / 6);
  return {
    demand(who) {
      const now = nowMs();
      let bucket = buckets.get(who);
      if (bucket === undefined) {
        bucket = { room: roomMax, filledAtMs: now, recordedAtMs: Number.NEGATIVE_INFINITY };
        buckets.set(who, bucket);
      }
      const filled = (Math.max(0, now - bucket.filledAtMs) * perMinute) / MINUTE_MS;
      bucket.room = Math.min(roomMax, bucket.room + filled);
      bucket.filledAtMs = now;
      if (bucket.room >= 1) {
        bucket.room--;
        return;
      }
      const refusal = new Refusal('RATE_EXCEEDED', { retryAfterSeconds: 1 });
      if (now - bucket.recordedAtMs >= MINUTE_MS) {
        bucket.recordedAtMs = now;
        firsts.add(refusal);
      }
      throw refusal;
    },
    isFirst: (refusal) => firsts.has(refusal),
  };
}
