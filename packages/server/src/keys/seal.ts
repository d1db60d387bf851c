import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

/** NIST SP 800-38D: a random IV of 96 bits; one key seals far fewer than 2 ** 32 texts. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals bytes with AES-256-GCM.
 *
 * @param key an AES-256 key; a KeyObject, since expanding raw bytes at each call costs five times more.
 * @param attributes what the text belongs to; it opens with exactly these only.
 * @returns IV (12 bytes), ciphertext (as long as the text), tag (16 bytes).
 */
export function seal(key: KeyObject, attributes: readonly string[], text: Uint8Array): Uint8Array {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(encodeAttributes(attributes));
  return Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

/** @returns undefined when key, attributes or bytes are not those it was sealed with. */
export function open(
  key: KeyObject,
  attributes: readonly string[],
  sealed: Uint8Array,
): Buffer | undefined {
  if (sealed.length < IV_BYTES + TAG_BYTES) return undefined;
  const iv = sealed.subarray(0, IV_BYTES);
  const tag = sealed.subarray(-TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
    .setAAD(encodeAttributes(attributes))
    .setAuthTag(tag);
  const text = decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return text;
}

/** The same with whichever of these keys it was sealed. */
export function openWithAny(
  keys: readonly KeyObject[],
  attributes: readonly string[],
  sealed: Uint8Array,
): Buffer | undefined {
  for (const key of keys) {
    const text = open(key, attributes, sealed);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Each attribute after its length, so that no two lists are one: ['a', 'bc'] is not ['ab', 'c']. */
export function encodeAttributes(attributes: readonly string[]): Buffer {
  let text = '';
  for (const each of attributes) text += `${Buffer.byteLength(each)}:${each}`;
  return Buffer.from(text, 'utf8');
}
