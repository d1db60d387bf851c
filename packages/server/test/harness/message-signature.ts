import { createHash, createHmac, type KeyLike, randomUUID, sign } from 'node:crypto';
import { INQUIRE } from './issuer-client.ts';

/** With what a test signs: a shared secret, or an Ed25519 private key. */
export type MessageKey =
  | { readonly alg: 'hmac-sha256'; readonly keyid: string; readonly secret: string }
  | { readonly alg: 'ed25519'; readonly keyid: string; readonly privateKey: KeyLike };

/**
 * The headers of an HTTP message signature, made by hand after RFC 9421 and not by the library that
 * checks it.
 */
export function messageSignatureHeaders(
  key: MessageKey,
  body: string,
  { nonce = randomUUID() as string, createdMs = Date.now(), path = INQUIRE, method = 'POST' } = {},
): Record<string, string> {
  const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
  const parameters =
    `("@method" "@path" "content-digest");created=${Math.floor(createdMs / 1000)}` +
    `;keyid="${key.keyid}";alg="${key.alg}";nonce="${nonce}"`;
  // RFC 9421, 2.5: each component on a line, the parameters last.
  const base = [
    `"@method": ${method}`,
    `"@path": ${path}`,
    `"content-digest": ${digest}`,
    `"@signature-params": ${parameters}`,
  ].join('\n');
  const signature =
    key.alg === 'ed25519'
      ? sign(null, Buffer.from(base), key.privateKey)
      : createHmac('sha256', key.secret).update(base).digest();
  return {
    'content-digest': digest,
    'signature-input': `sig1=${parameters}`,
    signature: `sig1=:${signature.toString('base64')}:`,
  };
}
