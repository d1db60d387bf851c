import { Refusal } from './error.ts';

declare const brand: unique symbol;

/** The month a card expires in, as the integer YYYYMM, so that later is greater. */
export type Expiry = number & { readonly [brand]: 'Expiry' };

/** How long a card is good for when its issuer does not say: 5 years, the schemes' usual longest. */
export const DEFAULT_VALIDITY_YEARS = 5;

/**
 * @param month `01` to `12`, two digits.
 * @param year four digits.
 * @throws {Refusal} `EXPIRY_INVALID`
 */
export function parseExpiry(month: string, year: string): Expiry {
  if (!/^(0[1-9]|1[0-2])$/.test(month)) throw new Refusal('EXPIRY_INVALID', { field: 'month' });
  if (!/^[0-9]{4}$/.test(year)) throw new Refusal('EXPIRY_INVALID', { field: 'year' });
  return Number(`${year}${month}`) as Expiry;
}

/**
 * @param date ISO 8601 calendar date `YYYY-MM-DD`; the day only has to exist.
 * @throws {Refusal} `EXPIRY_INVALID`
 */
export function parseExpiryDate(date: string): Expiry {
  const [, year, month] = /^([0-9]{4})-([0-9]{2})-[0-9]{2}$/.exec(date) ?? [];
  const time = new Date(`${date}T00:00:00Z`);
  // Date rolls 30 February over to March: a day that does not exist comes back as another.
  const exists = !Number.isNaN(time.getTime()) && time.toISOString().startsWith(date);
  if (year === undefined || month === undefined || !exists) {
    throw new Refusal('EXPIRY_INVALID', { field: 'expirationDate' });
  }
  return parseExpiry(month, year);
}

/** @param atMs a moment, milliseconds since 1970 UTC. @returns its month, some years on. */
export function expiryAfterYears(atMs: number, years: number): Expiry {
  const date = new Date(atMs);
  return ((date.getUTCFullYear() + years) * 100 + date.getUTCMonth() + 1) as Expiry;
}

/** No scheme lets a card be good for longer; a later year is a mistake. */
const VALIDITY_YEARS_MAX = 20;

/**
 * An expiry that a card can be issued with: past ones too, since cards are taken over from elsewhere.
 *
 * @throws {Refusal} `EXPIRY_INVALID` before 2000, or more than 20 years from now.
 */
export function demandPlausible(expiry: Expiry, nowMs: number): void {
  if (expiry < 200001 || expiry > expiryAfterYears(nowMs, VALIDITY_YEARS_MAX)) {
    throw new Refusal('EXPIRY_INVALID', { field: 'expirationDate' });
  }
}

/** `05` of 202805. */
export function monthOf(expiry: Expiry): string {
  return String(expiry % 100).padStart(2, '0');
}

/** `2028` of 202805. */
export function yearOf(expiry: Expiry): string {
  return String(Math.floor(expiry / 100)).padStart(4, '0');
}
