import { luhnResidue } from './luhn.ts';

// ISO/IEC 7812-1 allows up to 19 digits; 12 is the shortest this format serves. `$` without the `m`
// flag matches at the very end only, so a line end is refused.
const PAN_PATTERN = /^[1-9][0-9]{11,18}$/;

/** The shortest and the longest PAN, in digits. */
export const PAN_LENGTH_MIN = 12;
export const PAN_LENGTH_MAX = 19;

/**
 * Tells whether `text` is a PAN: 12 to 19 ASCII digits, the first not 0, Luhn residue 0.
 *
 * Nothing is stripped or repaired: a space, a line end or a digit outside ASCII makes it false.
 *
 * @see ISO/IEC 7812-1
 */
export function isPan(text: string): boolean {
  return typeof text === 'string' && PAN_PATTERN.test(text) && luhnResidue(text) === 0;
}
