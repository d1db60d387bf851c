/**
 * PAN-TOKENs: reversible, keyed stand-ins for card numbers that can never be one; and FF1, the
 * format-preserving encryption of NIST SP 800-38G they are made with. The format is described in
 * docs/pan-token-format.md.
 *
 * @module
 */

export { type AesKey, prepareAesKey } from './aes.ts';
export { detokenizeMany, tokenizeMany } from './batch.ts';
export { epochsInTheWay, epochsSharingMark, markOf } from './epoch.ts';
export { PanTokenError, type PanTokenErrorCode } from './error.ts';
export {
  type Ff1Params,
  ff1Decrypt,
  ff1DecryptMany,
  ff1Encrypt,
  ff1EncryptMany,
} from './ff1.ts';
export {
  type Alphabet,
  type FormatSpec,
  type KeyedFormat,
  parseFormat,
  parseRandomFormat,
  type RandomFormat,
  type TokenFormat,
} from './format.ts';
export { prepareKey, type TokenKey } from './key.ts';
export { type KeySet, type Keys, prepareKeys } from './key-set.ts';
export { luhnResidue } from './luhn.ts';
export type { Numerals, NumeralsLike } from './numerals.ts';
export { isPan } from './pan.ts';
export { drawRandomToken, isRandomTokenShape } from './random-token.ts';
export { isTokenShape } from './shape.ts';
export {
  detokenize,
  epochOf,
  knownAnswer,
  type OpenedToken,
  openToken,
  tokenize,
} from './token.ts';
export type { ManyResult } from './window.ts';
