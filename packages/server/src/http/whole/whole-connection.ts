import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import {
  type Answer,
  type Ending,
  formatAnswer,
  WholeRequest,
  WholeResponse,
} from './whole-exchange.ts';
import { findWholeHead, type Head } from './whole-request.ts';

export interface ConnectionDeps {
  readonly handle: RequestListener;
  /**
   * Answers a request by itself, if it can.
   *
   * @returns undefined, or in the promise, which is never rejected: it is for `handle`.
   */
  readonly answer: (request: WholeRequest) => Promise<Answer | undefined> | undefined;
  /** Takes the connection over, with all that comes on it from now on. */
  readonly leave: (socket: Socket) => void;
  readonly keepAliveTimeoutMs: number;
  readonly isClosing: () => boolean;
  /** RFC 9110, 5.6.7. */
  readonly date: () => string;
  readonly onEnd: () => void;
}

/** A connection on which whole requests are answered, one after the other. */
export interface WholeConnection {
  /** Since when nothing is under way on it, by `performance.now()`; undefined while something is. */
  idleSince(): number | undefined;
  /** Whether a request has come on it. */
  isUsed(): boolean;
  destroy(): void;
}

function write(socket: Socket, answer: Answer, ending: Ending): void {
  const isAscii = answer.contentLength === answer.body.length;
  socket.write(formatAnswer(answer, ending), isAscii ? 'latin1' : 'utf8');
}

/**
 * Answers the whole requests of a connection. With the first bytes that are no such request, or that
 * come when the client has not read its answers, the connection goes to Node's own HTTP, for good: so
 * no part of a request is ever kept or waited for here.
 */
export function serveWholeRequests(socket: Socket, deps: ConnectionDeps): WholeConnection {
  const { leave, keepAliveTimeoutMs, isClosing, date, onEnd } = deps;
  let last: Head | undefined;
  let isBusy = false;
  let response: WholeResponse | undefined;
  let endedAt = performance.now();
  const destroy = () => void socket.destroy();
  // Who has ended its half is taken to be gone, as Node does.
  const end = () => void socket.end();
  const listeners = { data: take, end, error: destroy, close };
  for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener);

  function take(bytes: Buffer): void {
    if (socket.writableEnded) return;
    if (isBusy) {
      // Sent ahead of the answer to the one before: its turn comes.
      socket.pause();
      socket.unshift(bytes);
      return;
    }
    const head = socket.writableNeedDrain ? undefined : findWholeHead(bytes, last);
    if (head === undefined) {
      handOver(bytes);
      return;
    }
    last = head;
    isBusy = true;
    const request = new WholeRequest(head, bytes.subarray(-head.contentLength), socket);
    const answering = deps.answer(request);
    if (answering === undefined) {
      handOn(request);
      return;
    }
    const go = (found: Answer | undefined) => (found === undefined ? handOn(request) : send(found));
    answering.then(go).catch(destroy);
  }

  function handOn(request: WholeRequest): void {
    response = new WholeResponse({ send, destroy });
    deps.handle(
      request as unknown as IncomingMessage,
      response as unknown as ServerResponse<IncomingMessage>,
    );
    // Whoever left meanwhile is missed now.
    if (socket.destroyed) response?.close();
  }

  function send(answer: Answer): boolean {
    isBusy = false;
    response = undefined;
    endedAt = performance.now();
    if (!socket.writable) return false;
    const isLast = isClosing() || answer.isLast;
    const keepAliveSeconds = isLast ? undefined : keepAliveTimeoutMs / 1000;
    write(socket, answer, { date: date(), keepAliveSeconds });
    if (isLast) socket.destroySoon();
    else if (socket.isPaused()) socket.resume();
    return true;
  }

  function handOver(bytes: Buffer): void {
    for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener);
    socket.pause();
    socket.unshift(bytes);
    onEnd();
    leave(socket);
    socket.resume();
  }

  function close(): void {
    onEnd();
    response?.close();
  }

  return {
    idleSince: () => (isBusy ? undefined : endedAt),
    isUsed: () => last !== undefined,
    destroy,
  };
}
