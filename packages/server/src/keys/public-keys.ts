import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { CompactEncrypt } from 'jose';
import type { CallerKey } from '../domain/caller.ts';
import type { PublicKeys } from '../usecase/ports.ts';

/** RSA keys we are given have at least so many bits. */
const RSA_BITS_MIN = 2048;

/** JWE for numbers (RFC 7516), Ed25519 for signatures. Opened keys are kept with their record. */
export function makePublicKeys(): PublicKeys {
  const opened = new WeakMap<CallerKey, KeyObject>();

  function keyOf(key: CallerKey): KeyObject {
    const known = opened.get(key) ?? createPublicKey(key.publicKeyPem);
    opened.set(key, known);
    return known;
  }

  return {
    parse(use, pem) {
      const key = openPublicKey(pem);
      if (key === undefined || !isGoodFor(use, key)) return undefined;
      return String(key.export({ type: 'spki', format: 'pem' }));
    },

    encryptTo: (key, text) =>
      new CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: key.id })
        .encrypt(keyOf(key)),

    verify: (key, message, signature) => verify(null, message, keyOf(key), signature),
  };
}

/** @returns undefined for what is no public key; a private key is not taken for its public half. */
function openPublicKey(pem: string): KeyObject | undefined {
  if (!/^-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(pem.trimStart())) return undefined;
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}

function isGoodFor(use: CallerKey['use'], key: KeyObject): boolean {
  if (use === 'signature') return key.asymmetricKeyType === 'ed25519';
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return key.asymmetricKeyType === 'rsa' && bits >= RSA_BITS_MIN;
}
