import { type Cipheriv, createCipheriv } from 'node:crypto';

/**
 * An AES key schedule kept ready in OpenSSL, made by {@link prepareAesKey}. Opaque: neither
 * `console.log` nor JSON shows key bytes.
 */
export class AesKey {
  readonly #cipher: Cipheriv;
  readonly #bits: number;

  constructor(bytes: Uint8Array) {
    if (!(bytes instanceof Uint8Array)) throw new TypeError('key must be a Uint8Array');
    if (bytes.length !== 16 && bytes.length !== 24 && bytes.length !== 32) {
      throw new RangeError('key must be 16, 24 or 32 bytes');
    }
    this.#bits = bytes.length * 8;
    // ECB over single blocks is the bare block cipher, which is what FF1 is built from. When it
    // encrypts whole blocks, `update` holds nothing back, so one cipher object serves for ever.
    this.#cipher = createCipheriv(`aes-${this.#bits}-ecb`, bytes, null);
  }

  /**
   * Encrypts each 16-byte block of `blocks` on its own.
   *
   * @param blocks whole blocks; not changed.
   * @returns new bytes, as many.
   */
  encryptBlocks(blocks: Uint8Array): Uint8Array {
    return this.#cipher.update(blocks);
  }

  toJSON(): string {
    return this.toString();
  }

  toString(): string {
    return `AesKey(${this.#bits} bits)`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/**
 * Expands an AES key once, for many calls of `ff1Encrypt` and `ff1Decrypt`.
 *
 * @param bytes 16, 24 or 32 bytes; copied, so the caller may wipe them afterwards.
 * @throws {TypeError | RangeError} naming the key.
 */
export function prepareAesKey(bytes: Uint8Array): AesKey {
  return new AesKey(bytes);
}
