/** From where and until when a client may come in. It is asked at every request. */
export interface Access {
  /** Networks in CIDR form, such as `10.1.0.0/16` or `2001:db8::/32`; none: from anywhere. */
  readonly networks: readonly string[];
  /**
   * SHA-256 fingerprints of client certificates, 64 lower-case hexadecimal digits; one of them has to
   * be shown. None: no certificate is asked for.
   */
  readonly certificates: readonly string[];
  /** From this moment on nothing of it is good any more; undefined: never. */
  readonly expiresAtMs: number | undefined;
  /** Milliseconds since 1970; undefined: it is not disabled. */
  readonly disabledAtMs: number | undefined;
}

/** Where a request came from. */
export interface Origin {
  /** The IP address of the client, or the one a trusted proxy named. */
  readonly address: string;
  /** Of the certificate the client has proven to own, as in {@link Access.certificates}. */
  readonly certificate: string | undefined;
}

/** No limits: what a client has that was registered without any. */
export const OPEN_ACCESS: Access = {
  networks: [],
  certificates: [],
  expiresAtMs: undefined,
  disabledAtMs: undefined,
};

/** Why a client is kept out. For the operator's log: whoever asks is told one thing for all of them. */
export type AccessProblem = 'disabled' | 'expired' | 'network' | 'certificate';

/**
 * What keeps a client out; undefined when nothing does.
 *
 * @param isInNetworks whether an address is in one of the networks.
 */
export function accessProblem(
  access: Access,
  origin: Origin,
  nowMs: number,
  isInNetworks: (networks: readonly string[], address: string) => boolean,
): AccessProblem | undefined {
  if (access.disabledAtMs !== undefined) return 'disabled';
  if (access.expiresAtMs !== undefined && access.expiresAtMs <= nowMs) return 'expired';
  const { networks, certificates } = access;
  if (networks.length > 0 && !isInNetworks(networks, origin.address)) return 'network';
  const isShown = origin.certificate !== undefined && certificates.includes(origin.certificate);
  if (certificates.length > 0 && !isShown) return 'certificate';
  return undefined;
}

/**
 * A fingerprint as people copy it (`AB:CD:...`, any case) in the one form that is compared.
 *
 * @returns undefined when it is not the SHA-256 of anything.
 */
export function parseFingerprint(text: string): string | undefined {
  const digits = text.replaceAll(':', '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
}
