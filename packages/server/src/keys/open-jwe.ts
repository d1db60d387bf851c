import { createDecipheriv, randomBytes } from 'node:crypto';

/** RFC 7516, 7.1: five parts in base64url. */
const PARTS = /^([\w-]+)\.([\w-]+)\.([\w-]{16})\.([\w-]*)\.([\w-]{22})$/;

/**
 * Opens a compact JWE by RSA-OAEP-256 and A256GCM. Whatever is wrong with it, the private operation is
 * done once and the content is tried once, so that the time does not tell what it was.
 *
 * @param unwrap undoes RSA-OAEP with SHA-256 on bytes of any length; undefined where that fails.
 * @returns undefined for all that cannot be opened.
 * @see RFC 7516, 5.2
 */
export function openJwe(
  text: string,
  unwrap: (block: Uint8Array) => Uint8Array | undefined,
): Uint8Array | undefined {
  const [, header = '', wrapped = '', iv = '', content = '', tag = ''] = PARTS.exec(text) ?? [];
  const isOurs = isOurHeader(header);
  const unwrapped = unwrap(Buffer.from(wrapped, 'base64url'));
  const hasKey = isOurs && unwrapped?.length === 32;
  // RFC 7516, 11.5: with a key of chance, what cannot be unwrapped fails where the tag does.
  const key = hasKey ? unwrapped : randomBytes(32);
  try {
    const opened = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'));
    opened.setAAD(Buffer.from(header, 'ascii'));
    opened.setAuthTag(Buffer.from(tag, 'base64url'));
    return Buffer.concat([opened.update(Buffer.from(content, 'base64url')), opened.final()]);
  } catch {
    return undefined;
  }
}

/** No other algorithm, no compression, nothing that would have to be understood. */
function isOurHeader(header: string): boolean {
  try {
    const { alg, enc, zip, crit } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    const hasMore = zip !== undefined || crit !== undefined;
    return alg === 'RSA-OAEP-256' && enc === 'A256GCM' && !hasMore;
  } catch {
    return false;
  }
}
