import { Refusal } from '../../domain/error.ts';
import { type Expiry, parseExpiry } from '../../domain/expiry.ts';
import type { Merchant } from '../../domain/merchant.ts';
import { CardNumber } from '../../domain/pan.ts';

/**
 * Field names are matched without regard to case: the documentation spells them both ways.
 *
 * @throws {Refusal} `BODY_DUPLICATE_KEY` when two names differ in case only.
 */
export function lowerCaseKeys(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const entries = Object.entries(body).map(([key, value]) => [key.toLowerCase(), value]);
  const lowered = Object.fromEntries(entries);
  if (Object.keys(lowered).length !== entries.length) throw new Refusal('BODY_DUPLICATE_KEY');
  return lowered;
}

/** @throws {Refusal} `MERCHANT_UNKNOWN` */
export function demandOwnId(merchant: Merchant, merchantid: string): void {
  if (merchantid.toLowerCase() !== merchant.id) throw new Refusal('MERCHANT_UNKNOWN');
}

/** @throws {Refusal} `CARD_NUMBER_MALFORMED`, `EXPIRY_INVALID` */
export function parseCard(
  pan: string,
  expmonth: string,
  expyear: string,
): { number: CardNumber; expiry: Expiry } {
  return { number: CardNumber.parseNumber(pan), expiry: parseExpiry(expmonth, expyear) };
}
