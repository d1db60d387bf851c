import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
} from 'node:crypto';
import type { KeyPurpose } from '../usecase/ports.ts';
import { aesCmac } from './aes-cmac.ts';

/** Three bytes: people compare six digits (ISO 11568, ANSI X9.24-1). */
const CHECK_VALUE_BYTES = 3;

const ZEROS = Buffer.alloc(16);

const HMAC_PURPOSES: readonly KeyPurpose[] = [
  'index',
  'reference',
  'credential-index',
  'access-token',
  'updater-index',
];

const PAIR_PURPOSES: readonly KeyPurpose[] = ['message', 'audit', 'updater-signing'];

/**
 * What two people compare to know that they hold the same key: six hexadecimal digits in capitals.
 * Of an AES key the leftmost bytes of the CMAC of 16 zero bytes; not of an encrypted block of zeros,
 * which would give away part of what other constructions compute with the key. Of an HMAC key
 * the leftmost bytes of the HMAC of the same. Of a key pair those of the SHA-256 of its public half.
 */
export function checkValueOf(purpose: KeyPurpose, bytes: Uint8Array): string {
  if (PAIR_PURPOSES.includes(purpose)) return shorten(publicDigest(bytes));
  if (HMAC_PURPOSES.includes(purpose)) {
    return shorten(createHmac('sha256', bytes).update(ZEROS).digest());
  }
  return aesCheckValue(bytes);
}

/** Of the bytes of an AES key. */
export function aesCheckValue(bytes: Uint8Array): string {
  return shorten(aesCmac(createSecretKey(bytes), ZEROS));
}

function publicDigest(pkcs8: Uint8Array): Buffer {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest();
}

function shorten(digest: Buffer): string {
  return digest.subarray(0, CHECK_VALUE_BYTES).toString('hex').toUpperCase();
}
