import { createCipheriv, type KeyObject } from 'node:crypto';

const BLOCK = 16;

/** The constant of GF(2 ** 128) with 128-bit blocks: NIST SP 800-38B, 5.3. */
const R128 = 0x87;

/**
 * AES-CMAC (NIST SP 800-38B, RFC 4493). Node has HMAC, and no CMAC.
 *
 * @param key an AES key of 16, 24 or 32 bytes.
 * @returns 16 bytes.
 */
export function aesCmac(key: KeyObject, message: Uint8Array): Buffer {
  const encrypt = blockCipher(key);
  const whole = message.length > 0 && message.length % BLOCK === 0;
  const subkey1 = double(encrypt(Buffer.alloc(BLOCK)));
  const last = Buffer.alloc(BLOCK);
  const lastStart = whole ? message.length - BLOCK : message.length - (message.length % BLOCK);
  last.set(message.subarray(lastStart));
  if (!whole) last[message.length - lastStart] = 0x80;
  let chain: Buffer = Buffer.alloc(BLOCK);
  for (let start = 0; start < lastStart; start += BLOCK) {
    chain = encrypt(xor(chain, message.subarray(start, start + BLOCK)));
  }
  return encrypt(xor(chain, xor(last, whole ? subkey1 : double(subkey1))));
}

function blockCipher(key: KeyObject): (block: Uint8Array) => Buffer {
  const bits = (key.symmetricKeySize ?? 0) * 8;
  const cipher = createCipheriv(`aes-${bits}-ecb`, key, null).setAutoPadding(false);
  return (block) => cipher.update(block);
}

function double(block: Buffer): Buffer {
  const doubled = Buffer.alloc(BLOCK);
  for (let at = 0; at < BLOCK; at++) {
    doubled[at] = ((block[at] ?? 0) << 1) | ((block[at + 1] ?? 0) >> 7);
  }
  const carry = (block[0] ?? 0) >> 7;
  doubled[BLOCK - 1] = (doubled[BLOCK - 1] ?? 0) ^ (carry * R128);
  return doubled;
}

/** The exclusive or of two texts of one length. */
export function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)));
}
