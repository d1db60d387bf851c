import { Agent, type AgentOptions, request } from 'node:https';
import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  retry,
  wrap,
} from 'cockatiel';
import { Refusal } from '../domain/error.ts';

/** How an upstream is reached. */
export interface UpstreamOptions {
  /** Told in facts and logs: `visa-vau`. */
  readonly name: string;
  /** `https://host[:port][/path]`, no slash at the end. */
  readonly baseUrl: string;
  /** PEM; left out: the authorities Node.js trusts. */
  readonly ca?: string | undefined;
  /** Our certificate and its key, PEM, where the upstream wants mutual TLS. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Of one attempt, from the first byte out to the last byte in. */
  readonly timeoutMs: number;
  readonly callsAtOnce: number;
}

export interface UpstreamCall {
  readonly method: 'POST';
  /** Begins with a slash. */
  readonly path: string;
  readonly body: string;
  /** Made anew for each attempt: signatures hold a nonce. */
  headers(): Readonly<Record<string, string>>;
  /** Whether sending it twice does no more than sending it once. */
  readonly isRepeatable: boolean;
}

export interface UpstreamReply {
  readonly status: number;
  readonly body: Buffer;
}

export interface Upstream {
  /**
   * The answer, whatever its status below 500.
   *
   * @throws {Refusal} `UPSTREAM_TIMEOUT`, `UPSTREAM_UNREACHABLE`, `UPSTREAM_SUSPENDED`,
   *   `UPSTREAM_REFUSED` for 5xx, `UPSTREAM_LIMITED` for 429, `TOO_BUSY`
   */
  call(call: UpstreamCall): Promise<UpstreamReply>;
  close(): void;
}

/** A hundred accounts are some 20 kB, encrypted and in base64. */
const REPLY_BYTES_MAX = 1024 * 1024;

/** A merchant waits at the other end: two more attempts, and not for long. */
const REPEATS_MAX = 2;
const BACKOFF = { initialDelay: 100, maxDelay: 1_000 };

/** So many outages in a row and the upstream is left alone for a while. */
const BREAK_AFTER = 5;
const BREAK_MS = 10_000;

/** Calls that wait for one of {@link UpstreamOptions.callsAtOnce}. */
const WAITING_MAX = 1_000;

/** What may be over in a moment. */
const PASSING = ['UPSTREAM_TIMEOUT', 'UPSTREAM_UNREACHABLE', 'UPSTREAM_REFUSED'];

/**
 * Calls one upstream: TLS verified, no redirects, every attempt limited in time and size, repeated
 * with jitter where that is safe, and left alone after {@link BREAK_AFTER} outages in a row.
 */
export function makeUpstream(options: UpstreamOptions): Upstream {
  const { name, ca, cert, key, callsAtOnce } = options;
  const tls: AgentOptions = { keepAlive: true, maxSockets: callsAtOnce, minVersion: 'TLSv1.2' };
  const agent = new Agent({
    ...tls,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  });
  const isPassing = (error: unknown) => error instanceof Refusal && PASSING.includes(error.code);
  const breaker = circuitBreaker(handleWhen(isPassing), {
    halfOpenAfter: BREAK_MS,
    breaker: new ConsecutiveBreaker(BREAK_AFTER),
  });
  // The default generator of cockatiel is decorrelated jitter.
  const repeats = retry(handleWhen(isPassing), {
    maxAttempts: REPEATS_MAX,
    backoff: new ExponentialBackoff(BACKOFF),
  });
  const lanes = bulkhead(callsAtOnce, WAITING_MAX);
  const once = wrap(breaker, lanes);
  const repeated = wrap(repeats, breaker, lanes);

  return {
    async call(call) {
      try {
        const policy = call.isRepeatable ? repeated : once;
        return await policy.execute(() => attempt(options, agent, call));
      } catch (cause) {
        const facts = { source: name };
        if (cause instanceof BrokenCircuitError) throw new Refusal('UPSTREAM_SUSPENDED', facts);
        if (cause instanceof BulkheadRejectedError) throw new Refusal('TOO_BUSY', facts);
        throw cause;
      }
    },
    close: () => agent.destroy(),
  };
}

async function attempt(
  { name, baseUrl, timeoutMs }: UpstreamOptions,
  agent: Agent,
  call: UpstreamCall,
): Promise<UpstreamReply> {
  const url = new URL(baseUrl + call.path);
  const once = () => send(url, agent, call, timeoutMs);
  const first = once().catch((cause) => {
    // A connection that was kept and that the other end has closed meanwhile: no outage at all.
    if (cause instanceof StaleConnection && call.isRepeatable) return once();
    throw cause;
  });
  const reply = await first.catch((cause) => {
    const isLate =
      (cause as Error).name === 'TimeoutError' || (cause as Error).name === 'AbortError';
    const code = isLate ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_UNREACHABLE';
    const upstreamCode = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new Refusal(code, { source: name, upstreamCode: printable(upstreamCode) }, { cause });
  });
  const { status } = reply;
  if (status < 500 && status !== 429) return reply;
  const upstreamCode = `HTTP ${status}`;
  const code = status === 429 ? 'UPSTREAM_LIMITED' : 'UPSTREAM_REFUSED';
  throw new Refusal(code, { source: name, upstreamCode });
}

/** A kept connection that had ended before it was used again. */
class StaleConnection extends Error {
  readonly code = 'ECONNRESET';
}

function send(
  url: URL,
  agent: Agent,
  { method, body, headers }: UpstreamCall,
  timeoutMs: number,
): Promise<UpstreamReply> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const sent = request(url, { method, agent, signal, headers: { ...headers() } }, (response) => {
      const parts: Buffer[] = [];
      let byteCount = 0;
      response.on('data', (part: Buffer) => {
        byteCount += part.length;
        if (byteCount > REPLY_BYTES_MAX) sent.destroy(new Error('the answer is too large'));
        else parts.push(part);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }),
      );
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = sent.reusedSocket && error.code === 'ECONNRESET';
      reject(isStale ? new StaleConnection('the connection had ended', { cause: error }) : error);
    });
    sent.end(body);
  });
}

/**
 * A code of an upstream as it may be logged and shown: short, and without a run of digits that could
 * be part of a card number.
 */
export function printable(code: unknown): string {
  const text = typeof code === 'string' || typeof code === 'number' ? String(code) : '';
  return /^[\w .:-]{1,40}$/.test(text) && !/[0-9]{6}/.test(text) ? text : 'unprintable';
}
