import { residueOf } from './luhn.ts';
import { CODE_OF_0 } from './symbols.ts';
import { type Texts, textsOf } from './texts.ts';

/** The shortest PAN that is served, in digits. */
export const PAN_LENGTH_MIN = 12;

/** The longest PAN of ISO/IEC 7812-1, in digits. */
export const PAN_LENGTH_MAX = 19;

/**
 * Tells whether `text` is a PAN: 12 to 19 ASCII digits, the first not 0, Luhn residue 0.
 *
 * Nothing is stripped or repaired: a space, a line end or a digit outside ASCII makes it false.
 *
 * @see ISO/IEC 7812-1
 */
export function isPan(text: string): boolean {
  return hasPanLength(text) && isPanText(textsOf(text), 0, text.length);
}

/** Tells whether `text` is a string that is neither too short nor too long for a PAN or a token. */
export function hasPanLength(text: unknown): text is string {
  return typeof text === 'string' && text.length >= PAN_LENGTH_MIN && text.length <= PAN_LENGTH_MAX;
}

/** Tells whether a piece of text, 12 to 19 bytes long, is a PAN. */
export function isPanText(texts: Texts, start: number, length: number): boolean {
  return residueOf(texts, start, length) === 0 && texts.codes[start] !== CODE_OF_0;
}
