import { type AccountChange, expiryOf } from './account-change.ts';
import type { Card } from './card.ts';
import type { CardNumber } from './pan.ts';
import type { RecordId } from './record-id.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * When a number has come to its end: the day it was closed, or the end of the month in which the last
 * of its cards expires, whichever is first. A number that was replaced ends with its own cards:
 * merchants ask for what took its place until then.
 *
 * @param effective from `effectiveChanges`, of the lineage of the number, as of now.
 * @returns milliseconds since 1970 UTC.
 */
export function endOfNumber(
  numberId: RecordId,
  cards: readonly Card[],
  effective: readonly AccountChange[],
): number {
  const path = new Set([numberId]);
  let closedAtMs = Number.POSITIVE_INFINITY;
  for (const change of effective) {
    if (!path.has(change.numberId)) continue;
    if (change.kind === 'replaced' && change.newNumberId) path.add(change.newNumberId);
    if (change.kind === 'closed') closedAtMs = Math.min(closedAtMs, change.effectiveAtMs);
  }
  const expiries = cards.map((card) => expiryOf(card, effective));
  const last = Math.max(...expiries);
  // Date counts months from 0: the number of a month is the index of the next one.
  const expiredAtMs = Date.UTC(Math.floor(last / 100), last % 100, 1);
  return Math.min(closedAtMs, expiredAtMs);
}

/** Whether a number that ended then has been kept for so many days. */
export function isOver(endedAtMs: number, days: number, nowMs: number): boolean {
  return endedAtMs + days * DAY_MS <= nowMs;
}

/** Nothing younger can be over. */
export function oldestKept(days: number, nowMs: number): number {
  return nowMs - days * DAY_MS;
}

/** What a number is remembered by when it is gone, before it is digested. */
export function nameOfNumber(number: CardNumber): string {
  return `deleted number ${number.reveal()}`;
}

/** The same of one of its tokens. */
export function nameOfToken(epoch: number, token: string): string {
  return `deleted token ${epoch} ${token}`;
}
