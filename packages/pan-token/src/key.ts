import { type AesKey, prepareAesKey } from './aes.ts';
import { markIndexOf, parseEpoch } from './epoch.ts';
import type { Layout } from './format.ts';
import { makingRecipe, openingRecipe, type Recipe } from './recipe.ts';

/** PAN-TOKEN keys are AES-256 keys. */
const KEY_BYTES = 32;

/**
 * The key of one epoch of one organization, ready for use. Opaque: neither `console.log` nor JSON
 * shows key bytes. Made by {@link prepareKey}.
 */
export class TokenKey {
  readonly epoch: number;
  readonly #aes: AesKey;
  readonly #making = new Map<number, Recipe>();
  readonly #opening = new Map<number, Recipe>();

  constructor(epoch: number, bytes: Uint8Array) {
    this.epoch = parseEpoch(epoch);
    if (!(bytes instanceof Uint8Array)) throw new TypeError('bytes must be a Uint8Array');
    if (bytes.length !== KEY_BYTES) throw new RangeError('bytes must be 32 bytes');
    this.#aes = prepareAesKey(bytes);
    Object.freeze(this);
  }

  /** Inside this package only: how this key makes tokens of a layout. Kept, there are few. */
  static makingOf(key: TokenKey, layout: Layout): Recipe {
    let recipe = key.#making.get(layout.id);
    if (recipe === undefined) {
      recipe = makingRecipe(layout, key.#aes, markIndexOf(layout.alphabet, key.epoch));
      key.#making.set(layout.id, recipe);
    }
    return recipe;
  }

  /** Inside this package only: how this key opens tokens of a layout. */
  static openingOf(key: TokenKey, layout: Layout): Recipe {
    let recipe = key.#opening.get(layout.id);
    if (recipe === undefined) {
      recipe = openingRecipe(layout, key.#aes);
      key.#opening.set(layout.id, recipe);
    }
    return recipe;
  }

  /** Inside this package only: refuses what did not come from {@link prepareKey}. */
  static check(key: unknown): void {
    if (!TokenKey.isKey(key)) throw new TypeError('key must come from prepareKey');
  }

  static isKey(value: unknown): value is TokenKey {
    return typeof value === 'object' && value !== null && #aes in value;
  }

  toJSON(): { epoch: number } {
    return { epoch: this.epoch };
  }

  toString(): string {
    return `TokenKey(epoch ${this.epoch})`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/**
 * Prepares the key of an epoch: expands the AES key once and remembers the epoch.
 *
 * @param epoch an integer from 1.
 * @param bytes 32 bytes from a CSPRNG, of this organization and epoch only; copied, so the caller
 *   may wipe them afterwards.
 * @throws {RangeError} naming `epoch`, or `bytes` if they are not 32.
 * @throws {TypeError} if `bytes` is not a `Uint8Array`.
 */
export function prepareKey(epoch: number, bytes: Uint8Array): TokenKey {
  return new TokenKey(epoch, bytes);
}
