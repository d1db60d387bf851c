import { EventEmitter } from 'node:events';
import { STATUS_CODES, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import type { Head } from './whole-request.ts';

/** A request whose body is there: what Fastify and its hooks need of Node's `IncomingMessage`. */
export class WholeRequest extends EventEmitter {
  readonly method = 'POST';
  readonly httpVersion = '1.1';
  readonly httpVersionMajor = 1;
  readonly httpVersionMinor = 1;
  readonly aborted = false;
  readonly url: string;
  readonly headers: Head['headers'];
  readonly socket: Socket;
  readonly #body: Buffer;

  constructor({ url, headers }: Head, body: Buffer, socket: Socket) {
    super();
    this.url = url;
    this.headers = headers;
    this.socket = socket;
    this.#body = body;
  }

  /** Gives the body to who listens: all of it, at once. */
  resume(): void {
    this.emit('data', this.#body);
    this.emit('end');
  }
}

type HeaderValue = string | number;

/** An answer as it goes out. */
export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, HeaderValue>>;
  readonly body: string;
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
  readonly #send: (answer: Answer) => void;

  constructor(send: (answer: Answer) => void) {
    super();
    this.#send = send;
  }

  get destroyed(): boolean {
    return this.closed;
  }

  setHeader(name: string, value: HeaderValue): this {
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
    for (const name in headers) validateHeaderValue(name, String(headers[name]));
    this.statusCode = statusCode;
    this.#headers = { ...this.#headers, ...headers };
    this.headersSent = true;
    return this;
  }

  end(body: string | Buffer | null = null): this {
    if (this.writableEnded) return this;
    this.writableEnded = true;
    if (this.closed) return this;
    const { statusCode } = this;
    this.#send({ statusCode, headers: this.#headers, body: body === null ? '' : String(body) });
    this.emit('finish');
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

/** Of what follows the headers of the answer: whether the connection goes on, and what time it is. */
export interface Ending {
  readonly date: string;
  /** How long it is kept when nothing comes; undefined: it ends with this answer. */
  readonly keepAliveSeconds: number | undefined;
}

/** An answer as text: RFC 9112. */
export function formatAnswer(answer: Answer, { date, keepAliveSeconds }: Ending): string {
  const { statusCode, headers, body } = answer;
  let text = `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}\r\n`;
  for (const name in headers) {
    if (name !== 'connection') text += `${name}: ${headers[name]}\r\n`;
  }
  const connection =
    keepAliveSeconds === undefined
      ? 'connection: close'
      : `connection: keep-alive\r\nkeep-alive: timeout=${keepAliveSeconds}`;
  return `${text}date: ${date}\r\n${connection}\r\n\r\n${body}`;
}
