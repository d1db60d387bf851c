import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { STATUS_CODES, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import type { Head } from './whole-request.ts';

/** What became of a request that was dealt with before Fastify got it, and that Fastify has to tell. */
export interface Outcome {
  readonly requestId: string;
  /** Who sent it: `caller:<id>` or `merchant:<id>`. */
  readonly who: string;
  readonly error: Error;
  /** By `performance.now()`. */
  readonly startedAt: number;
  /** To be called when it has been told, or nobody is there any more to be told. */
  end(): void;
}

/** @returns undefined for most: Fastify finds out for itself. */
export function outcomeOf(request: unknown): Outcome | undefined {
  return request instanceof WholeRequest ? request.outcome : undefined;
}

/**
 * A request whose body is there: what Fastify and its hooks need of Node's `IncomingMessage`. It tells
 * nobody when the client goes away; its response does.
 */
export class WholeRequest extends EventEmitter {
  readonly method = 'POST';
  readonly httpVersion = '1.1';
  readonly httpVersionMajor = 1;
  readonly httpVersionMinor = 1;
  readonly aborted = false;
  readonly url: string;
  readonly headers: Head['headers'];
  readonly socket: Socket;
  readonly body: Buffer;
  outcome: Outcome | undefined;

  constructor({ url, headers }: Head, body: Buffer, socket: Socket) {
    super();
    this.url = url;
    this.headers = headers;
    this.socket = socket;
    this.body = body;
  }

  destroy(): this {
    this.socket.destroy();
    return this;
  }

  /** Gives the body to who listens: all of it, at once. */
  resume(): void {
    this.emit('data', this.body);
    this.emit('end');
  }
}

type HeaderValue = string | number;

/** An answer as it goes out, but for its {@link Ending}. */
export interface Answer {
  /** The status line and the fields, a line each. */
  readonly head: string;
  readonly body: string;
  /** Of the body, in bytes. */
  readonly contentLength: number;
  /** Nothing more is answered on this connection. */
  readonly isLast: boolean;
}

/** The connection an answer goes to. */
export interface AnswerTarget {
  /** @returns whether there was still somebody to send it to. */
  send(answer: Answer): boolean;
  destroy(): void;
}

/**
 * An answer that is sent as one text: what Fastify and its hooks need of Node's `ServerResponse`. It
 * is no stream: a route that answers with one has to be a GET.
 */
export class WholeResponse extends EventEmitter {
  statusCode = 200;
  headersSent = false;
  writableEnded = false;
  /** Nobody waits for it any more: it was sent, or its connection ended. */
  closed = false;
  #headers: Record<string, HeaderValue> = {};
  readonly #target: AnswerTarget;

  constructor(target: AnswerTarget) {
    super();
    this.#target = target;
  }

  get destroyed(): boolean {
    return this.closed;
  }

  setHeader(name: string, value: HeaderValue): this {
    demandValue(name, value);
    this.#headers[name.toLowerCase()] = value;
    return this;
  }

  getHeader(name: string): HeaderValue | undefined {
    return this.#headers[name.toLowerCase()];
  }

  getHeaders(): Readonly<Record<string, HeaderValue>> {
    return this.#headers;
  }

  hasHeader(name: string): boolean {
    return this.getHeader(name) !== undefined;
  }

  removeHeader(name: string): void {
    delete this.#headers[name.toLowerCase()];
  }

  /** @param headers by name in lower case. */
  writeHead(statusCode: number, headers: Readonly<Record<string, HeaderValue>>): this {
    if (this.headersSent) {
      throw Object.assign(new Error('an answer has one head'), { code: 'ERR_HTTP_HEADERS_SENT' });
    }
    for (const name in headers) demandValue(name, headers[name]);
    this.statusCode = statusCode;
    this.#headers = { ...this.#headers, ...headers };
    this.headersSent = true;
    return this;
  }

  end(given: string | null = null): this {
    if (this.writableEnded) return this;
    const body = given ?? '';
    assert(typeof body === 'string', 'an answer is a text');
    const headers = this.#headers;
    const contentLength = Buffer.byteLength(body);
    const { 'content-length': stated = contentLength } = headers;
    assert.equal(Number(stated), contentLength, 'an answer is as long as its head says');
    this.writableEnded = true;
    if (this.closed) return this;
    const head = formatHead(this.statusCode, headers, contentLength);
    const isLast = headers.connection === 'close';
    if (this.#target.send({ head, body, contentLength, isLast })) this.emit('finish');
    this.close();
    return this;
  }

  destroy(): this {
    this.#target.destroy();
    this.close();
    return this;
  }

  /** Tells once that nobody waits any more. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.emit('close');
  }
}

/** @throws {TypeError} for what would be more than one line, or none. */
function demandValue(name: string, value: unknown): void {
  if (typeof value === 'number') return;
  if (typeof value !== 'string') throw new TypeError(`the header ${name} is no text`);
  validateHeaderValue(name, value);
}

/** Without a body, and so without its length: RFC 9110, 8.6. */
const BODILESS = [204, 304];

/**
 * The head of an answer as text: RFC 9112. What it says of the connection is for the {@link Ending}.
 *
 * @param headers by name in lower case.
 * @param contentLength of the body, in bytes.
 */
export function formatHead(
  statusCode: number,
  headers: Readonly<Record<string, HeaderValue>>,
  contentLength: number,
): string {
  let text = `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}\r\n`;
  for (const name in headers) {
    if (name !== 'connection') text += `${name}: ${headers[name]}\r\n`;
  }
  if (headers['content-length'] === undefined && !BODILESS.includes(statusCode)) {
    text += `content-length: ${contentLength}\r\n`;
  }
  return text;
}

/** What an answer ends its head with: whether the connection goes on, and what time it is. */
export interface Ending {
  readonly date: string;
  /** How long it is kept when nothing comes; undefined: it ends with this answer. */
  readonly keepAliveSeconds: number | undefined;
}

/** An answer as text: RFC 9112. */
export function formatAnswer({ head, body }: Answer, { date, keepAliveSeconds }: Ending): string {
  const connection =
    keepAliveSeconds === undefined
      ? 'connection: close'
      : `connection: keep-alive\r\nkeep-alive: timeout=${keepAliveSeconds}`;
  return `${head}date: ${date}\r\n${connection}\r\n\r\n${body}`;
}
