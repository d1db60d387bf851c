import type { SignedNonce } from '../domain/signed-nonce.ts';

/**
 * The nonces of signed requests under way, by request id. Each is written with the first unit of its
 * request, so that it costs no commit of its own, and so that no use case can forget it
 * (docs/adr/callers-nonces.md).
 */
export interface PendingNonces {
  hold(requestId: string, nonce: SignedNonce): void;
  /** Undefined for a request that is not signed, or whose nonce is written. */
  of(requestId: string): SignedNonce | undefined;
  /** The nonce is written, or the request has been answered without anything to write. */
  drop(requestId: string): void;
}

export function makePendingNonces(): PendingNonces {
  const pending = new Map<string, SignedNonce>();
  return {
    hold: (requestId, nonce) => void pending.set(requestId, nonce),
    of: (requestId) => pending.get(requestId),
    drop: (requestId) => void pending.delete(requestId),
  };
}
