import { markIndexOf } from './epoch.ts';
import { PanTokenError } from './error.ts';
import { ff1Decrypt, ff1Encrypt } from './ff1.ts';
import { type KeyedFormat, type Layout, layoutOf, parseFormat } from './format.ts';
import { TokenKey } from './key.ts';
import { KeySet, prepareKeys } from './key-set.ts';
import { luhnResidue } from './luhn.ts';
import { isPan } from './pan.ts';
import { isTokenShape } from './shape.ts';
import { walk } from './walk.ts';

/** What a token opens to. */
export interface OpenedToken {
  readonly pan: string;
  /** The epoch whose key opened it. */
  readonly epoch: number;
}

/** All living keys: prepared, which is faster, or as a list. */
export type Keys = KeySet | readonly TokenKey[];

/**
 * Gives the token of a PAN. Deterministic: same format, key and PAN, same token.
 *
 * @param format from `parseFormat`.
 * @param key of the epoch that makes tokens now.
 * @returns a string as long as the PAN that does not pass the Luhn check.
 * @throws {PanTokenError} `PAN_MALFORMED`, `PAN_LENGTH_NOT_SERVED`
 * @throws {TypeError} if `format` or `key` was not made by this package.
 * @see docs/pan-token-format.md, "Making and opening"
 */
export function tokenize(format: KeyedFormat, key: TokenKey, pan: string): string {
  const aes = TokenKey.aesOf(key);
  if (!isPan(pan)) {
    layoutOf(format, 0);
    throw new PanTokenError('PAN_MALFORMED');
  }
  const layout = layoutOf(format, pan.length);
  if (layout === undefined) throw new PanTokenError('PAN_LENGTH_NOT_SERVED');
  const mark = markIndexOf(format.alphabet, key.epoch);
  const params = { key: aes, radix: layout.radix, tweak: tweakOf(layout, pan) };
  const middle = middleOf(layout, pan);
  const step = (at: readonly number[]) => ff1Encrypt(params, at);
  if (layout.method === 'walk') {
    return walkMiddle(layout, pan, step, mark + 1, mark + 1);
  }
  const y = directStep(layout, toNumerals(middle.slice(0, -1)), step);
  if (layout.radix === 36) return wrap(layout, pan, String.fromCharCode(65 + mark) + toText(y));
  return completeTo(layout, wrap(layout, pan, `${toText(y)}0`), mark + 1);
}

/**
 * Gives the PAN behind a token. The token's mark picks the key; no two keys are ever tried.
 *
 * @param keys of all living epochs.
 * @throws {PanTokenError} `TOKEN_MALFORMED`, `TOKEN_EPOCH_UNKNOWN`, `TOKEN_NOT_OURS`,
 *   `EPOCH_MARK_SHARED`
 * @throws {TypeError} if `format` or `keys` was not made by this package.
 * @see docs/pan-token-format.md, "Making and opening"
 */
export function detokenize(format: KeyedFormat, keys: Keys, token: string): string {
  return openToken(format, keys, token).pan;
}

/** Does what {@link detokenize} does, and tells the epoch whose key opened the token. */
export function openToken(format: KeyedFormat, keys: Keys, token: string): OpenedToken {
  const key = keyOf(format, keys, token);
  const layout = layoutOf(format, token.length);
  if (layout === undefined) throw new PanTokenError('TOKEN_MALFORMED');
  const params = { key: TokenKey.aesOf(key), radix: layout.radix, tweak: tweakOf(layout, token) };
  const step = (at: readonly number[]) => ff1Decrypt(params, at);
  const { epoch } = key;
  if (layout.method === 'walk') {
    return { pan: walkMiddle(layout, token, step, markIndexOf('numeric', epoch) + 1, 0), epoch };
  }
  const middle = middleOf(layout, token);
  const y = toNumerals(layout.radix === 36 ? middle.slice(1) : middle.slice(0, -1));
  const u = directStep(layout, y, step);
  if (u.some((numeral) => numeral > 9)) throw new PanTokenError('TOKEN_NOT_OURS');
  const pan = completeTo(layout, wrap(layout, token, `${toText(u)}0`), 0);
  if (pan.startsWith('0')) throw new PanTokenError('TOKEN_NOT_OURS');
  return { pan, epoch };
}

/**
 * Gives the epoch that a token names by its mark, without using a key. Whether the token opens, and
 * to what, only {@link openToken} can tell.
 *
 * @throws {PanTokenError} `TOKEN_MALFORMED`, `TOKEN_EPOCH_UNKNOWN`, `EPOCH_MARK_SHARED`
 */
export function epochOf(format: KeyedFormat, keys: Keys, token: string): number {
  return keyOf(format, keys, token).epoch;
}

const KNOWN_ANSWER_FORMAT = parseFormat({ alphabet: 'alphanumeric', keepFirst: 6, keepLast: 4 });

/**
 * Gives the known answer of a key: its alphanumeric 6 + 4 token of 5555555555554444. Stored beside
 * the key and compared whenever the key is loaded, it shows a key that was damaged or swapped.
 */
export function knownAnswer(key: TokenKey): string {
  return tokenize(KNOWN_ANSWER_FORMAT, key, '5555555555554444');
}

function keyOf(format: KeyedFormat, keys: Keys, token: string): TokenKey {
  const keySet = KeySet.isKeySet(keys) ? keys : prepareKeys(keys);
  layoutOf(format, 0);
  const byMark = KeySet.byMarkOf(keySet, format.alphabet);
  if (!isTokenShape(format, token)) throw new PanTokenError('TOKEN_MALFORMED');
  const mark =
    format.alphabet === 'alphanumeric'
      ? token.charCodeAt(format.keepFirst) - 65
      : luhnResidue(token) - 1;
  const key = byMark[mark];
  if (key === undefined) throw new PanTokenError('TOKEN_EPOCH_UNKNOWN');
  return key;
}

/** With nothing kept in front, a numeric string may not begin with 0: step again while it does. */
function directStep(
  layout: Layout,
  start: readonly number[],
  step: (at: readonly number[]) => readonly number[],
): readonly number[] {
  const walks = layout.keepFirst === 0 && layout.radix === 10;
  return walk(start, step, (at) => !walks || at[0] !== 0);
}

/** Walks inside the strings of residue `inside`, then moves to residue `outside`. */
function walkMiddle(
  layout: Layout,
  text: string,
  step: (at: readonly number[]) => readonly number[],
  inside: number,
  outside: number,
): string {
  const start = toNumerals(middleOf(layout, completeTo(layout, text, inside)));
  const isInside = (at: readonly number[]) =>
    luhnResidue(wrap(layout, text, toText(at))) === inside;
  return completeTo(layout, wrap(layout, text, toText(walk(start, step, isInside))), outside);
}

/**
 * Changes the last replaced digit so that the whole has the residue wanted. That digit never counts
 * double, since an even number of digits (0 or 4) follows it: one step of it is one step of the sum.
 */
function completeTo(layout: Layout, text: string, residue: number): string {
  const at = layout.panLength - layout.keepLast - 1;
  const digit = (Number(text[at]) + 10 + residue - luhnResidue(text)) % 10;
  return text.slice(0, at) + digit + text.slice(at + 1);
}

function tweakOf({ tweakHead, keepFirst, keepLast }: Layout, text: string): Uint8Array {
  const kept = text.slice(0, keepFirst) + text.slice(text.length - keepLast);
  return Uint8Array.of(tweakHead, ...Buffer.from(kept, 'latin1'));
}

function middleOf({ keepFirst, keepLast }: Layout, text: string): string {
  return text.slice(keepFirst, text.length - keepLast);
}

function wrap({ keepFirst, keepLast }: Layout, text: string, middle: string): string {
  return text.slice(0, keepFirst) + middle + text.slice(text.length - keepLast);
}

function toNumerals(symbols: string): number[] {
  return Array.from(symbols, (symbol) => Number.parseInt(symbol, 36));
}

function toText(numerals: readonly number[]): string {
  return numerals
    .map((numeral) => numeral.toString(36))
    .join('')
    .toUpperCase();
}
