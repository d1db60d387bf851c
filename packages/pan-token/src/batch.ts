import { PanTokenError } from './error.ts';
import type { KeyedFormat } from './format.ts';
import type { TokenKey } from './key.ts';
import { KeySet, prepareKeys } from './key-set.ts';
import { detokenize, type Keys, tokenize } from './token.ts';

/**
 * Gives the tokens of many PANs, in their order.
 *
 * @param pans not changed.
 * @returns for each PAN its token, or the refusal: one bad element does not spoil the others.
 * @throws {TypeError} if an argument was not made by this package, or `pans` is no array.
 */
export function tokenizeMany(
  format: KeyedFormat,
  key: TokenKey,
  pans: readonly string[],
): Array<string | PanTokenError> {
  if (!Array.isArray(pans)) throw new TypeError('pans must be an array');
  return pans.map((pan) => settle(() => tokenize(format, key, pan)));
}

/**
 * Gives the PANs behind many tokens, in their order.
 *
 * @param tokens not changed; of any of the living epochs.
 * @returns for each token its PAN, or the refusal: one bad element does not spoil the others.
 * @throws {PanTokenError} `EPOCH_MARK_SHARED`
 * @throws {TypeError} if an argument was not made by this package, or `tokens` is no array.
 */
export function detokenizeMany(
  format: KeyedFormat,
  keys: Keys,
  tokens: readonly string[],
): Array<string | PanTokenError> {
  if (!Array.isArray(tokens)) throw new TypeError('tokens must be an array');
  const keySet = KeySet.isKeySet(keys) ? keys : prepareKeys(keys);
  KeySet.byMarkOf(keySet, format.alphabet);
  return tokens.map((token) => settle(() => detokenize(format, keySet, token)));
}

function settle(make: () => string): string | PanTokenError {
  try {
    return make();
  } catch (error) {
    if (error instanceof PanTokenError) return error;
    throw error;
  }
}
