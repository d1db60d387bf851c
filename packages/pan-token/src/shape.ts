import { type KeyedFormat, type Layout, layoutOf } from './format.ts';
import { NO_RESIDUE, residueOf } from './luhn.ts';
import { CODE_OF_0, CODE_OF_A, VALUE_OF_CODE } from './symbols.ts';
import { type Texts, textsOf } from './texts.ts';

/** What {@link markIn} gives for a text that has not the shape of a token. */
export const NO_MARK = -1;

/**
 * Tells whether `text` has the exact shape of a keyed token of the format, whatever its key: a
 * length the format lists; ASCII digits in the kept parts, the first not 0; `numeric`: digits with
 * a Luhn residue that is not 0; `alphanumeric`: a letter `A-Z` after the kept first digits, then
 * `0-9A-Z`. Lower case, padding and line ends make it false. No key is used.
 *
 * @throws {TypeError} if `format` was not made by `parseFormat`.
 */
export function isTokenShape(format: KeyedFormat, text: string): boolean {
  const layout = layoutOf(format, typeof text === 'string' ? text.length : 0);
  return layout !== undefined && markIn(layout, textsOf(text), 0) !== NO_MARK;
}

/**
 * Reads the mark of a token, after checking all of its shape.
 *
 * @param texts as many bytes from `start` as the layout's PANs have digits.
 * @returns the index of the mark in its alphabet, from 0, or {@link NO_MARK}.
 */
export function markIn(layout: Layout, texts: Texts, start: number): number {
  return layout.alphabet === 'numeric'
    ? residueMarkIn(layout, texts, start)
    : letterMarkIn(layout, texts, start);
}

function residueMarkIn(layout: Layout, texts: Texts, start: number): number {
  const residue = residueOf(texts, start, layout.panLength);
  const isToken = residue !== 0 && residue !== NO_RESIDUE && texts.codes[start] !== CODE_OF_0;
  return isToken ? residue - 1 : NO_MARK;
}

function letterMarkIn(layout: Layout, texts: Texts, start: number): number {
  const { codes } = texts;
  const letterAt = start + layout.keepFirst;
  const lastAt = start + layout.panLength - layout.keepLast;
  const mark = (codes[letterAt] as number) - CODE_OF_A;
  const isToken =
    codes[start] !== CODE_OF_0 &&
    mark >= 0 &&
    mark < 26 &&
    areDigits(texts, start, layout.keepFirst) &&
    areSymbols(codes, letterAt + 1, lastAt) &&
    areDigits(texts, lastAt, layout.keepLast);
  return isToken ? mark : NO_MARK;
}

function areDigits(texts: Texts, start: number, length: number): boolean {
  return residueOf(texts, start, length) !== NO_RESIDUE;
}

function areSymbols(codes: Uint8Array, from: number, to: number): boolean {
  let excess = 0;
  for (let at = from; at < to; at++) excess |= 35 - (VALUE_OF_CODE[codes[at] as number] as number);
  return excess >= 0;
}
