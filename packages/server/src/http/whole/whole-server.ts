import assert from 'node:assert/strict';
import type { RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import {
  type ConnectionDeps,
  serveWholeRequests,
  type WholeConnection,
} from './whole-connection.ts';

/** Connections on which nothing happens are looked for ten times in the shortest time they have. */
const LOOKS_PER_TIMEOUT = 10;

const KEPT_LONGER_MS = 1_000;

/**
 * Lets a server answer by a shorter way the requests that come in one piece, such as all inquiries:
 * Node's own HTTP costs more than looking up a card. What comes in any other form is Node's, as are
 * its limits and time-outs. docs/adr/http-whole-requests.md says what it saves, and why it is safe.
 *
 * @param answer answers those it can without `handle`.
 */
export function answerWholeRequests(
  server: Server,
  handle: RequestListener,
  answer: ConnectionDeps['answer'] = () => undefined,
): void {
  const event = server instanceof TlsServer ? 'secureConnection' : 'connection';
  const [leave, ...others] = server.listeners(event);
  assert(leave && others.length === 0, 'Node takes connections in another way than it did');
  server.off(event, leave as (socket: Socket) => void);

  const connections = new Set<WholeConnection>();
  const date = makeDate();
  server.on(event, (socket: Socket) => {
    const connection = serveWholeRequests(socket, {
      ...{ handle, answer, date, keepAliveTimeoutMs: server.keepAliveTimeout },
      leave: (left) => leave.call(server, left),
      isClosing: () => !server.listening,
      onEnd: () => connections.delete(connection),
    });
    connections.add(connection);
  });

  assert(server.headersTimeout > 0, 'a silent connection must end');
  // A little longer than clients are told, as Node does: one that uses it at the last moment is answered.
  const keptMs = server.keepAliveTimeout + KEPT_LONGER_MS;
  // A timer for each connection, set anew with each of its requests, would cost more than they do.
  const timer = setInterval(() => {
    const now = performance.now();
    for (const connection of connections) {
      const timeoutMs = connection.isUsed() ? keptMs : server.headersTimeout;
      if (now - (connection.idleSince() ?? now) >= timeoutMs) connection.destroy();
    }
  }, server.headersTimeout / LOOKS_PER_TIMEOUT).unref();
  server.once('close', () => clearInterval(timer));

  const { closeIdleConnections, closeAllConnections } = server;
  server.closeIdleConnections = () => {
    closeIdleConnections.call(server);
    for (const connection of connections) {
      if (connection.idleSince() !== undefined) connection.destroy();
    }
  };
  server.closeAllConnections = () => {
    closeAllConnections.call(server);
    for (const connection of connections) connection.destroy();
  };
}

/** The date of a `Date` header, made once a second. */
function makeDate(): () => string {
  let second = 0;
  let date = '';
  return () => {
    const now = Math.floor(Date.now() / 1000);
    if (now !== second) {
      second = now;
      date = new Date(now * 1000).toUTCString();
    }
    return date;
  };
}
