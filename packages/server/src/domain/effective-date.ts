import { Refusal } from './error.ts';

/** Dates further off are mistakes: a change nobody remembers, or one that nobody can know yet. */
const YEAR_MIN = 2000;
const YEAR_MAX = 2099;

/**
 * The moment a day begins, UTC.
 *
 * @param date ISO 8601 calendar date `YYYY-MM-DD`, 2000 to 2099.
 * @returns milliseconds since 1970 UTC.
 * @throws {Refusal} `EFFECTIVE_DATE_INVALID`
 */
export function parseEffectiveDate(date: string): number {
  const time = new Date(`${date}T00:00:00Z`);
  const isDate = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(date) && !Number.isNaN(time.getTime());
  // Date rolls 30 February over to March: a day that does not exist comes back as another.
  const exists = isDate && time.toISOString().startsWith(date);
  const year = exists ? time.getUTCFullYear() : 0;
  if (year < YEAR_MIN || year > YEAR_MAX) throw new Refusal('EFFECTIVE_DATE_INVALID');
  return time.getTime();
}
