import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { httpbis } from 'http-message-signatures';
import type { KeySeries } from './service-keys.ts';

/** Signs what the service sends. */
export interface MessageSigner {
  /** The headers that sign a POST (RFC 9421, RFC 9530): the method, the URL, digest and id. */
  headersFor(
    url: URL,
    body: string,
    requestId: string,
    nowMs: number,
  ): Promise<Readonly<Record<string, string>>>;
  /** Ed25519, SubjectPublicKeyInfo in PEM: what receivers verify with. */
  publicKeyPem(): string;
}

const FIELDS = ['@method', '@target-uri', 'content-digest', 'content-type', 'x-request-id'];

/** @param keys Ed25519, private. */
export function makeMessageSigner(keys: KeySeries): MessageSigner {
  const publicHalves = new WeakMap<KeyObject, string>();
  function publicPemOf(key: KeyObject): string {
    const known = publicHalves.get(key);
    if (known !== undefined) return known;
    const publicKey = createPublicKey(key.export({ type: 'pkcs8', format: 'pem' }));
    const made = String(publicKey.export({ type: 'spki', format: 'pem' }));
    publicHalves.set(key, made);
    return made;
  }
  return {
    async headersFor(url, body, requestId, nowMs) {
      const key = keys.active();
      const digest = createHash('sha256').update(body).digest('base64');
      const headers = {
        'content-type': 'application/json',
        'content-digest': `sha-256=:${digest}:`,
        'x-request-id': requestId,
      };
      const message = { method: 'POST', url: url.href, headers };
      const signer = {
        id: idOf(publicPemOf(key)),
        alg: 'ed25519',
        sign: async (data: Buffer) => sign(null, data, key),
      };
      const signed = await httpbis.signMessage(
        {
          key: signer,
          fields: FIELDS,
          params: ['created', 'keyid', 'alg'],
          paramValues: { created: new Date(nowMs) },
        },
        message,
      );
      const { Signature, 'Signature-Input': input }: Record<string, unknown> = signed.headers;
      return { ...headers, signature: String(Signature), 'signature-input': String(input) };
    },
    publicKeyPem: () => publicPemOf(keys.active()),
  };
}

/** RFC 7638 is for JWK; a digest of the key names it just as well. */
function idOf(publicKeyPem: string): string {
  return createHash('sha256').update(publicKeyPem).digest('hex').slice(0, 16);
}
