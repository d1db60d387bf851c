/** The head of a request as it was read. */
export interface Head {
  /** The request line and all header lines, without the empty line behind them. */
  readonly text: string;
  readonly url: string;
  /** By name in lower case, as Node has them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the body, in bytes. */
  readonly contentLength: number;
  readonly fields: readonly Field[];
}

/** A header line as it was read. */
interface Field {
  readonly line: string;
  readonly key: string;
  readonly value: string;
}

const END_OF_HEAD = Buffer.from('\r\n\r\n');
const HEAD_BYTES_MAX = 4096;
const HEADERS_MAX = 32;

/** Of the paths only those that nobody could read in two ways: no query, no escapes. */
const REQUEST_LINE = /^POST (\/[\w/-]*) HTTP\/1\.1$/;

/** RFC 9110, 5.1 and 5.5, without what may be trimmed: visible ASCII, single spaces inside. */
const FIELD = /^([\w!#$%&'*+.^`|~-]+): ([!-~]+(?: [!-~]+)*)$/;

const CONTENT_LENGTH = /^[1-9]\d{0,5}$/;

/**
 * RFC 9110 and 9112: fields that say where a message ends, or what the connection is used for next.
 * And two that Node and Fastify treat in a way of their own.
 */
const LEFT_TO_NODE = new Set([
  ...['connection', 'expect', 'keep-alive', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['accept-version', 'set-cookie'],
]);

/**
 * The head of a request that is whole in some bytes: with all of its body, and nothing behind it.
 *
 * What this reads, every reader of HTTP reads alike; it is the plain form that clients of ours send.
 * Whatever leaves room for a doubt (a header that came twice, a space too many, a transfer coding) is
 * for a parser that knows all of HTTP.
 *
 * @param last the head before on the same connection: most clients send the same again.
 * @returns undefined unless it is such a request; that says nothing of what is wrong with it.
 */
export function findWholeHead(bytes: Buffer, last: Head | undefined): Head | undefined {
  const end = bytes.indexOf(END_OF_HEAD);
  if (end === -1 || end > HEAD_BYTES_MAX) return undefined;
  const text = bytes.toString('latin1', 0, end);
  const head = last?.text === text ? last : parseHead(text, last);
  if (head?.contentLength !== bytes.length - end - END_OF_HEAD.length) return undefined;
  return head;
}

function parseHead(text: string, last: Head | undefined): Head | undefined {
  const lines = text.split('\r\n');
  const url = REQUEST_LINE.exec(lines[0] ?? '')?.[1];
  if (url === undefined || lines.length > HEADERS_MAX) return undefined;
  const headers: Record<string, string> = {};
  const fields: Field[] = [];
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const before = last?.fields[index - 1];
    const field = before?.line === line ? before : parseField(line);
    // Also where an object has such a name of its own.
    if (field === undefined || field.key in headers) return undefined;
    headers[field.key] = field.value;
    fields.push(field);
  }
  const { host, 'content-length': length } = headers;
  if (host === undefined || length === undefined) return undefined;
  if (!CONTENT_LENGTH.test(length)) return undefined;
  return { text, url, headers, contentLength: Number(length), fields };
}

function parseField(line: string): Field | undefined {
  const [, name, value] = FIELD.exec(line) ?? [];
  if (name === undefined || value === undefined) return undefined;
  const key = name.toLowerCase();
  return LEFT_TO_NODE.has(key) && !isKeepAlive(key, value) ? undefined : { line, key, value };
}

/** What is so without a word in HTTP/1.1. */
function isKeepAlive(key: string, value: string): boolean {
  return key === 'connection' && value.toLowerCase() === 'keep-alive';
}
