/** The Luhn algorithm of ISO/IEC 7812-1, annex B, as a number from 0 to 9 instead of a verdict. */

import { CODE_OF_0, VALUE_OF_CODE } from './symbols.ts';
import type { Texts } from './texts.ts';

const ASCII_DIGITS = /^[0-9]+$/;

/** What no digit counts: more than the 19 digits of the longest PAN add up to, which is 171. */
const NO_DIGIT = 255;

/** What {@link residueOf} gives if a byte is no digit. */
export const NO_RESIDUE = 10;

/** By ASCII code: what a digit counts in a place that counts once, and where it counts double. */
const ONCE = Uint8Array.from(VALUE_OF_CODE, (value) => (value > 9 ? NO_DIGIT : value));
const TWICE = Uint8Array.from(ONCE, (value) => (value > 9 ? NO_DIGIT : doubledDigit(value)));

/** By two ASCII codes, the first one times 256: what they count when the first counts double. */
const PAIR = Uint8Array.from({ length: 65_536 }, (_, pair) =>
  Math.min((TWICE[pair >>> 8] as number) + (ONCE[pair & 0xff] as number), NO_DIGIT),
);

/**
 * Gives the Luhn residue of a string of digits: the weighted sum of the Luhn algorithm modulo 10.
 *
 * From the right, every second digit (the second, the fourth ...) counts double, minus 9 if that is
 * above 9. A string passes the Luhn check exactly when its residue is 0.
 *
 * @param digits one or more ASCII digits, the check digit included.
 * @returns an integer from 0 to 9.
 * @throws {TypeError} if `digits` is not a string of ASCII digits.
 * @see ISO/IEC 7812-1, annex B
 */
export function luhnResidue(digits: string): number {
  if (typeof digits !== 'string' || !ASCII_DIGITS.test(digits)) {
    throw new TypeError('digits must be a string of ASCII digits');
  }
  let sum = 0;
  let doubled = false;
  for (let index = digits.length - 1; index >= 0; index--) {
    sum += (doubled ? TWICE : ONCE)[digits.charCodeAt(index)] as number;
    doubled = !doubled;
  }
  return sum % 10;
}

/**
 * Gives the Luhn residue of a piece of text, or {@link NO_RESIDUE} if a byte is no digit.
 *
 * @param length 0 to 19; nothing has residue 0.
 */
export function residueOf({ view }: Texts, start: number, length: number): number {
  let sum = 0;
  let at = start + length - 2;
  for (; at >= start; at -= 2) sum += PAIR[view.getUint16(at)] as number;
  if (at === start - 1) sum += ONCE[view.getUint8(start)] as number;
  return sum < NO_DIGIT ? sum % 10 : NO_RESIDUE;
}

/**
 * Changes the digit at `at` so that the whole text has the residue wanted.
 *
 * @param at a place that counts once: in a token the last replaced digit, which never counts double
 *   since an even number of digits (0 or 4) follows it. So one step of it is one step of the sum.
 * @returns false if another byte of the text is no digit, so that there is no residue to reach.
 */
export function completeTo(
  residue: number,
  texts: Texts,
  start: number,
  length: number,
  at: number,
): boolean {
  texts.codes[at] = CODE_OF_0;
  const found = residueOf(texts, start, length);
  texts.codes[at] = CODE_OF_0 + ((residue + 10 - found) % 10);
  return found !== NO_RESIDUE;
}

/** Gives what a digit counts in a place that counts double. */
export function doubledDigit(digit: number): number {
  return digit > 4 ? 2 * digit - 9 : 2 * digit;
}
