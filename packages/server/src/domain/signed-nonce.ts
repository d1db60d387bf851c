/**
 * How far the time stamp of a signed request may be off, either way. FirstVision documents five
 * minutes.
 */
export const SIGNATURE_WINDOW_MS = 5 * 60 * 1000;

/** What makes a signed request good only once. */
export interface SignedNonce {
  readonly callerId: string;
  /** What the caller made up for this request, 1 to 40 characters of its own. */
  readonly value: string;
  /** When the signature is out of its window everywhere, and the nonce may be forgotten. */
  readonly expiresAtMs: number;
}

/**
 * Clocks of two nodes differ by less than this: a nonce is kept so much longer, or the node that is
 * behind would take a request again that another has forgotten.
 */
const CLOCK_SKEW_MS = 60 * 1000;

/** @param signedAtMs the time stamp of the request, known to be inside the window. */
export function makeSignedNonce(callerId: string, value: string, signedAtMs: number): SignedNonce {
  return { callerId, value, expiresAtMs: signedAtMs + SIGNATURE_WINDOW_MS + CLOCK_SKEW_MS };
}
