import { Refusal } from '../../domain/error.ts';
import { type Expiry, parseExpiry } from '../../domain/expiry.ts';
import type { Merchant } from '../../domain/merchant.ts';
import { CardNumber } from '../../domain/pan.ts';
import type { CardReference } from '../../usecase/find-number.ts';

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

/**
 * A card by its number, or by a PAN-TOKEN.
 *
 * @throws {Refusal} `CARD_NUMBER_MALFORMED`, `EXPIRY_INVALID`, `REQUEST_INVALID` for both at once
 */
export function parseCard(fields: {
  readonly pan?: string | undefined;
  readonly pantoken?: string | undefined;
  readonly expmonth: string;
  readonly expyear: string;
}): { card: CardReference; expiry: Expiry } {
  const { pan, pantoken, expmonth, expyear } = fields;
  if (pan !== undefined && pantoken !== undefined) {
    throw new Refusal('REQUEST_INVALID', { field: 'pantoken' });
  }
  const card: CardReference =
    pantoken === undefined
      ? { kind: 'number', number: CardNumber.parseNumber(pan ?? '') }
      : { kind: 'token', token: pantoken };
  return { card, expiry: parseExpiry(expmonth, expyear) };
}
