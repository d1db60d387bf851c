import { PanTokenError } from './error.ts';
import type { RandomFormat } from './format.ts';
import { luhnResidue } from './luhn.ts';
import { isPan } from './pan.ts';

const NUMBER = /^[1-9][0-9]*$/;
const SYMBOLS_WITH_LETTER = /^[0-9]*[A-Z][0-9A-Z]*$/;
const DIGITS = /^[0-9]*$/;

const SYMBOLS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/**
 * A draw is refused with a probability of at most 1 in 5 (numeric), or about 1 in 2 for a byte in
 * the worst case: a source that gives nothing usable in so many draws is broken.
 */
const DRAWS_MAX = 1_000;

/**
 * Draws a token of the `random` engine for a PAN: kept digits of the PAN, drawn symbols between
 * them. Every token of the shape of {@link isRandomTokenShape} with these kept digits is equally
 * likely. The token says nothing about the replaced digits, so only a record can lead back; whether
 * it is still free in the organization, the store decides, and draws again.
 *
 * @param format from `parseRandomFormat`.
 * @param randomBytes gives that many bytes from a CSPRNG, such as `randomBytes` of `node:crypto`.
 * @throws {PanTokenError} `PAN_MALFORMED`, `PAN_LENGTH_NOT_SERVED`
 * @throws {Error} if the source of random bytes is broken.
 */
export function drawRandomToken(
  format: RandomFormat,
  pan: string,
  randomBytes: (count: number) => Uint8Array,
): string {
  if (!isPan(pan)) throw new PanTokenError('PAN_MALFORMED');
  if (!format.panLengths.includes(pan.length)) throw new PanTokenError('PAN_LENGTH_NOT_SERVED');
  const first = pan.slice(0, format.keepFirst);
  const last = pan.slice(pan.length - format.keepLast);
  const count = pan.length - format.keepFirst - format.keepLast;
  for (let draws = 0; draws < DRAWS_MAX; draws++) {
    const token = first + drawMiddle(format, count, randomBytes) + last;
    // Drawing all symbols again, not only the offending one, keeps all tokens equally likely.
    if (isRandomTokenShape(format, token)) return token;
  }
  throw new Error('the source of random bytes gives no usable token');
}

/**
 * Tells whether `text` has the exact shape of a token of the `random` engine: a length the format
 * lists; ASCII digits in the kept parts, the first not 0; `numeric`: digits with a Luhn residue
 * that is not 0; `alphanumeric`: a digit after the kept first digits (1-9 when nothing is kept in
 * front), then `0-9A-Z` with at least one letter, so that it is never taken for a keyed one.
 */
export function isRandomTokenShape(format: RandomFormat, text: string): boolean {
  if (typeof text !== 'string' || !format.panLengths.includes(text.length)) return false;
  if (format.alphabet === 'numeric') return NUMBER.test(text) && luhnResidue(text) !== 0;
  const lastAt = text.length - format.keepLast;
  // The first symbol is a digit with or without kept ones before it.
  return (
    NUMBER.test(text.slice(0, format.keepFirst + 1)) &&
    SYMBOLS_WITH_LETTER.test(text.slice(format.keepFirst + 1, lastAt)) &&
    DIGITS.test(text.slice(lastAt))
  );
}

function drawMiddle(
  format: RandomFormat,
  count: number,
  randomBytes: (count: number) => Uint8Array,
): string {
  if (format.alphabet === 'numeric') return drawSymbols(10, count, randomBytes);
  return drawSymbols(10, 1, randomBytes) + drawSymbols(36, count - 1, randomBytes);
}

/** Draws symbols without modulo bias: bytes above the largest multiple of the radix are skipped. */
function drawSymbols(
  radix: 10 | 36,
  count: number,
  randomBytes: (count: number) => Uint8Array,
): string {
  const limit = 256 - (256 % radix);
  let text = '';
  for (let draws = 0; draws < DRAWS_MAX; draws++) {
    for (const byte of randomBytes(count - text.length)) {
      if (byte < limit) text += SYMBOLS[byte % radix];
    }
    if (text.length === count) return text;
  }
  throw new Error('the source of random bytes gives no usable symbol');
}
