import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { DirectRoutes } from './direct-routes.ts';
import { tlsOptions } from './tls.ts';
import type { Transport } from './transport.ts';
import { answerWholeRequests } from './whole/whole-server.ts';

/** The longest of our headers is an access token of some 300 bytes; nothing of ours is in a URL. */
const HEADERS_BYTES_MAX = 8 * 1024;
const HEADERS_MAX = 64;

/** Node looks for slow clients every 30 s unless told otherwise: ten times as long as they may take. */
const LOOKS_PER_TIMEOUT = 10;

/** An idle connection is kept a little longer than the minute that proxies keep theirs. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** What listens: with TLS or without, and with the limits of a {@link Transport}. */
export function openServer(
  transport: Transport,
  handle: RequestListener,
  direct: DirectRoutes,
): Server {
  const { tls, clientCertificates, headersTimeoutMs: headersTimeout } = transport;
  const options: ServerOptions = {
    maxHeaderSize: HEADERS_BYTES_MAX,
    headersTimeout,
    connectionsCheckingInterval: headersTimeout / LOOKS_PER_TIMEOUT,
    requestTimeout: transport.requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  };
  // Apart from its class a server with TLS is the same, and typed as if it were.
  const server = (
    tls === undefined
      ? createServer(options, handle)
      : createTlsServer({ ...options, ...tlsOptions(tls, clientCertificates) }, handle)
  ) as Server;
  server.maxConnections = transport.connectionsMax;
  server.maxHeadersCount = HEADERS_MAX;
  answerWholeRequests(server, handle, direct.answer);
  return server;
}
