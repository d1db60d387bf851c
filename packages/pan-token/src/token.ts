import { PanTokenError } from './error.ts';
import { permute } from './ff1-lane.ts';
import { type KeyedFormat, type Layout, layoutTableOf, parseFormat } from './format.ts';
import { TokenKey } from './key.ts';
import { type Keys, keysByMark } from './key-set.ts';
import { hasPanLength, isPanText } from './pan.ts';
import { makePool } from './pool.ts';
import type { Recipe } from './recipe.ts';
import { markIn, NO_MARK } from './shape.ts';
import { enterSlots, leaveSlots, mustGoOn } from './slot.ts';
import { placeText, type Texts, textsOf } from './texts.ts';
import { makeWindow, type Window, wipe } from './window.ts';

/** What a token opens to. */
export interface OpenedToken {
  readonly pan: string;
  /** The epoch whose key opened it. */
  readonly epoch: number;
}

/** The memory that one call works in: room for one text. Not for callers, but for a test of it. */
export const desks = makePool(() => makeWindow(1, 1));

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
  const layouts = layoutTableOf(format);
  TokenKey.check(key);
  if (!hasPanLength(pan)) throw new PanTokenError('PAN_MALFORMED');
  const desk = desks.take();
  try {
    placeText(pan, desk.texts);
    if (!isPanText(desk.texts, 0, pan.length)) throw new PanTokenError('PAN_MALFORMED');
    const layout = layouts[pan.length];
    if (layout === undefined) throw new PanTokenError('PAN_LENGTH_NOT_SERVED');
    permuteText(TokenKey.makingOf(key, layout), desk);
    return desk.texts.codes.toString('latin1', 0, pan.length);
  } finally {
    clear(desk);
  }
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

/**
 * Does what {@link detokenize} does, and tells the epoch whose key opened the token.
 *
 * @throws what {@link detokenize} throws.
 */
export function openToken(format: KeyedFormat, keys: Keys, token: string): OpenedToken {
  const layouts = layoutTableOf(format);
  const byMark = keysByMark(keys, format.alphabet);
  if (!hasPanLength(token)) throw new PanTokenError('TOKEN_MALFORMED');
  const desk = desks.take();
  try {
    placeText(token, desk.texts);
    const layout = layouts[token.length];
    const key = findKey(byMark, layout, desk.texts);
    const isOurs = permuteText(TokenKey.openingOf(key, layout as Layout), desk);
    if (!isOurs) throw new PanTokenError('TOKEN_NOT_OURS');
    return { pan: desk.texts.codes.toString('latin1', 0, token.length), epoch: key.epoch };
  } finally {
    clear(desk);
  }
}

/**
 * Gives the epoch that a token names by its mark, without using a key. Whether the token opens, and
 * to what, only {@link openToken} can tell.
 *
 * @throws {PanTokenError} `TOKEN_MALFORMED`, `TOKEN_EPOCH_UNKNOWN`, `EPOCH_MARK_SHARED`
 * @throws {TypeError} if `format` or `keys` was not made by this package.
 */
export function epochOf(format: KeyedFormat, keys: Keys, token: string): number {
  const layouts = layoutTableOf(format);
  const byMark = keysByMark(keys, format.alphabet);
  if (!hasPanLength(token)) throw new PanTokenError('TOKEN_MALFORMED');
  return findKey(byMark, layouts[token.length], textsOf(token)).epoch;
}

const KNOWN_ANSWER_FORMAT = parseFormat({ alphabet: 'alphanumeric', keepFirst: 6, keepLast: 4 });

/**
 * Gives the known answer of a key: its alphanumeric 6 + 4 token of 5555555555554444. Stored beside
 * the key and compared whenever the key is loaded, it shows a key that was damaged or swapped.
 *
 * @throws {TypeError} if `key` was not made by `prepareKey`.
 */
export function knownAnswer(key: TokenKey): string {
  return tokenize(KNOWN_ANSWER_FORMAT, key, '5555555555554444');
}

function findKey(
  byMark: readonly (TokenKey | undefined)[],
  layout: Layout | undefined,
  texts: Texts,
): TokenKey {
  const mark = layout === undefined ? NO_MARK : markIn(layout, texts, 0);
  if (mark === NO_MARK) throw new PanTokenError('TOKEN_MALFORMED');
  const key = byMark[mark];
  if (key === undefined) throw new PanTokenError('TOKEN_EPOCH_UNKNOWN');
  return key;
}

/** Turns the text of a desk into its token or PAN; false if no PAN is behind it. */
function permuteText(recipe: Recipe, desk: Window): boolean {
  const { plan, aes, direction } = recipe;
  desk.group[0] = 0;
  enterSlots(recipe, desk, 0, 1);
  permute(desk.lane, plan, aes, 1, direction);
  while (recipe.repeats && mustGoOn(recipe, desk, 0)) permute(desk.lane, plan, aes, 1, direction);
  leaveSlots(recipe, desk, 0, 1);
  return desk.group[0] === 0;
}

/** Wipes the desk, so that no PAN outlives its call there, and leaves it to the next call. */
function clear(desk: Window): void {
  wipe(desk, 1);
  desks.giveBack(desk);
}
