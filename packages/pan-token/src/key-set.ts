import { epochsSharingMark, markIndexOf } from './epoch.ts';
import { PanTokenError } from './error.ts';
import type { Alphabet } from './format.ts';
import { TokenKey } from './key.ts';

/**
 * The keys of all living epochs of one organization, found by mark. Made by {@link prepareKeys}.
 */
export class KeySet {
  /** The living epochs, ascending. */
  readonly epochs: readonly number[];
  readonly #byMark: Readonly<Record<Alphabet, readonly (TokenKey | undefined)[]>>;
  readonly #sharing: Readonly<Record<Alphabet, readonly number[]>>;

  constructor(keys: readonly TokenKey[]) {
    if (!Array.isArray(keys) || !keys.every(TokenKey.isKey)) {
      throw new TypeError('keys must be a list of keys from prepareKey');
    }
    const epochs = keys.map((key) => key.epoch);
    if (new Set(epochs).size !== epochs.length) {
      throw new PanTokenError('EPOCH_MARK_SHARED', 'An epoch is there twice.');
    }
    this.epochs = Object.freeze(epochs.sort((a, b) => a - b));
    this.#byMark = { alphanumeric: byMark('alphanumeric', keys), numeric: byMark('numeric', keys) };
    this.#sharing = {
      alphanumeric: epochsSharingMark('alphanumeric', epochs),
      numeric: epochsSharingMark('numeric', epochs),
    };
    Object.freeze(this);
  }

  /**
   * Inside this package only: gives the keys of an alphabet by the index of their mark.
   *
   * @throws {PanTokenError} `EPOCH_MARK_SHARED` if two of the epochs share a mark of the alphabet.
   */
  static byMarkOf(keys: KeySet, alphabet: Alphabet): readonly (TokenKey | undefined)[] {
    const sharing = keys.#sharing[alphabet];
    if (sharing.length !== 0) {
      throw new PanTokenError('EPOCH_MARK_SHARED', `Epochs ${sharing.join(', ')}, ${alphabet}.`);
    }
    return keys.#byMark[alphabet];
  }

  static isKeySet(value: unknown): value is KeySet {
    return typeof value === 'object' && value !== null && #byMark in value;
  }
}

/** All living keys: prepared, which is faster, or as a list. */
export type Keys = KeySet | readonly TokenKey[];

/**
 * Prepares the keys of all living epochs of an organization, so that their marks are checked once.
 *
 * Two epochs may share the residue of `numeric` as long as only alphanumeric tokens are opened, and
 * the other way round: such a set is refused when a token of that alphabet is to be opened.
 *
 * @param keys in any order; may be empty, which opens nothing.
 * @throws {PanTokenError} `EPOCH_MARK_SHARED` if one epoch is there twice.
 * @throws {TypeError} if `keys` is not a list of keys from `prepareKey`.
 */
export function prepareKeys(keys: readonly TokenKey[]): KeySet {
  return new KeySet(keys);
}

/**
 * Gives the keys of an alphabet by the index of their mark, from 0.
 *
 * @throws {PanTokenError} `EPOCH_MARK_SHARED` if two of the epochs share a mark of the alphabet.
 */
export function keysByMark(keys: Keys, alphabet: Alphabet): readonly (TokenKey | undefined)[] {
  return KeySet.byMarkOf(KeySet.isKeySet(keys) ? keys : prepareKeys(keys), alphabet);
}

function byMark(alphabet: Alphabet, keys: readonly TokenKey[]): readonly (TokenKey | undefined)[] {
  const table: (TokenKey | undefined)[] = [];
  for (const key of keys) table[markIndexOf(alphabet, key.epoch)] = key;
  return table;
}
