import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Origin } from '../domain/access.ts';
import { parseFingerprint } from '../domain/access.ts';

const fingerprints = new WeakMap<Socket, string | undefined>();

/** What of a request says where it came from. */
export interface Arrived {
  readonly ip: string;
  readonly raw: { readonly socket: Socket };
}

/**
 * Where a request came from. The address is that of the connection, or what a trusted proxy says;
 * the certificate is always that of the connection.
 */
export function originOf(request: Arrived): Origin {
  return { address: request.ip, certificate: certificateOf(request.raw.socket) };
}

/**
 * The handshake has proven that the client owns the key; who it is, its fingerprint says. A
 * certificate out of its dates is as good as none.
 */
function certificateOf(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  if (fingerprints.has(socket)) return fingerprints.get(socket);
  const certificate = socket.getPeerX509Certificate();
  const nowMs = Date.now();
  const isCurrent =
    certificate !== undefined &&
    Date.parse(certificate.validFrom) <= nowMs &&
    nowMs <= Date.parse(certificate.validTo);
  const fingerprint = isCurrent ? parseFingerprint(certificate.fingerprint256) : undefined;
  fingerprints.set(socket, fingerprint);
  return fingerprint;
}
