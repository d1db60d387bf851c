import { createHash, timingSafeEqual } from 'node:crypto';
import type { CallbackGuard } from '../usecase/account-update-source.ts';

export interface CallbackGuardOptions {
  /** SHA-256 fingerprints of the client certificates that the scheme pushes with; one has to be shown. */
  readonly certificates: readonly string[];
  /** The last part of the path that the scheme was given. */
  readonly secret: string | undefined;
}

/**
 * Whether a push comes from the scheme. Whatever was agreed has to be there: where both are, both.
 *
 * @throws {RangeError} when nothing was agreed: then nobody could be told from anybody.
 */
export function makeCallbackGuard({ certificates, secret }: CallbackGuardOptions): CallbackGuard {
  if (certificates.length === 0 && secret === undefined) throw new RangeError('nothing to show');
  const secretDigest = secret === undefined ? undefined : digest(secret);
  return (shown) => {
    const { certificate } = shown;
    const hasCertificate = certificate !== undefined && certificates.includes(certificate);
    if (certificates.length > 0 && !hasCertificate) return false;
    // A path with a secret that nobody agreed on is not our path.
    if (secretDigest === undefined) return shown.secret === undefined;
    return timingSafeEqual(digest(shown.secret ?? ''), secretDigest);
  };
}

const digest = (text: string) => createHash('sha256').update(text).digest();
