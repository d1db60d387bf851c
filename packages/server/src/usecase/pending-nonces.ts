import type { SignedNonce } from '../domain/signed-nonce.ts';

/**
 * The nonces of signed requests that have not reached their use case yet, by request id. The trail of
 * the request takes its nonce and writes it with its first unit, so that it costs no commit of its
 * own, and so that no use case can forget it (docs/adr/callers-nonces.md).
 */
export interface PendingNonces {
  hold(requestId: string, nonce: SignedNonce): void;
  /** Undefined for a request that is not signed, or whose nonce has been taken. */
  take(requestId: string): SignedNonce | undefined;
}

export function makePendingNonces(): PendingNonces {
  const pending = new Map<string, SignedNonce>();
  return {
    hold: (requestId, nonce) => void pending.set(requestId, nonce),
    take(requestId) {
      if (pending.size === 0) return undefined;
      const nonce = pending.get(requestId);
      pending.delete(requestId);
      return nonce;
    },
  };
}
