import type { KeyedFormat, RandomFormat, TokenFormat } from './format.ts';
import { luhnResidue } from './luhn.ts';

const DIGITS = /^[0-9]*$/;
const DIGITS_NOT_ZERO_FIRST = /^[1-9][0-9]*$/;
const KEYED_MIDDLE = /^[A-Z][0-9A-Z]*$/;
const RANDOM_MIDDLE = /^[0-9](?=.*[A-Z])[0-9A-Z]*$/;
const RANDOM_MIDDLE_IN_FRONT = /^[1-9](?=.*[A-Z])[0-9A-Z]*$/;

/**
 * Tells whether `text` has the exact shape of a keyed token of the format, whatever its key: a
 * length the format lists; ASCII digits in the kept parts, the first not 0; `numeric`: digits with a
 * Luhn residue that is not 0; `alphanumeric`: a letter `A-Z` after the kept first digits, then
 * `0-9A-Z`. Lower case, padding and line ends make it false. No key is used.
 */
export function isTokenShape(format: KeyedFormat, text: string): boolean {
  return hasTokenShape(format, text, KEYED_MIDDLE);
}

/**
 * Tells whether `text` has the exact shape of a token of the `random` engine: as
 * {@link isTokenShape}, but in `alphanumeric` the first replaced symbol is a digit (1-9 when nothing
 * is kept in front) and at least one of the others is a letter.
 */
export function isRandomTokenShape(format: RandomFormat, text: string): boolean {
  const middle = format.keepFirst === 0 ? RANDOM_MIDDLE_IN_FRONT : RANDOM_MIDDLE;
  return hasTokenShape(format, text, middle);
}

function hasTokenShape(format: TokenFormat, text: string, middlePattern: RegExp): boolean {
  if (typeof text !== 'string' || !format.panLengths.includes(text.length)) return false;
  if (format.alphabet === 'numeric') {
    return DIGITS_NOT_ZERO_FIRST.test(text) && luhnResidue(text) !== 0;
  }
  const lastAt = text.length - format.keepLast;
  return (
    (format.keepFirst === 0 || DIGITS_NOT_ZERO_FIRST.test(text.slice(0, format.keepFirst))) &&
    middlePattern.test(text.slice(format.keepFirst, lastAt)) &&
    DIGITS.test(text.slice(lastAt))
  );
}
