import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Certificates } from './certificates.ts';

/** A fault that the next calls run into. */
export interface Fault {
  /** How many calls; left out: all until it is changed. */
  readonly count?: number;
  /** Wait before the answer. */
  readonly delayMs?: number;
  /** Answer with this status and an empty object, as a gateway would. */
  readonly status?: number;
  /** `hang`: no answer ever. `reset`: the connection ends. `garbage`: an answer that is no answer. */
  readonly kind?: 'hang' | 'reset' | 'garbage';
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

export interface SchemeRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Whether the client showed a certificate of our authority. */
  readonly hasCertificate: boolean;
}

/** One simulated scheme. */
export interface SchemeRules {
  answer(request: SchemeRequest): Promise<Reply>;
  /**
   * The body of a push notification about a card, which is answered as it says from now on.
   *
   * @param change a status letter.
   */
  push(account: string, change: string): Promise<string>;
  /** The cards that are subscribed to. */
  readonly subscribed: ReadonlySet<string>;
}

export interface SchemeServer {
  readonly subscribed: ReadonlySet<string>;
  readonly url: string;
  /** How many calls came, faults included. */
  readonly callCount: number;
  /** The most calls that were under way at once. */
  readonly callsAtOnceMax: number;
  setFault(fault: Fault | undefined): void;
  /** Sends a push notification. @returns the status it was answered with. */
  push(url: string, account: string, change: string): Promise<number>;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 1024 * 1024;

/**
 * Serves a simulated scheme over TLS. Besides the scheme's own paths a client with a certificate may
 * POST to `/simulator/fault` (a {@link Fault}, or `{}` to end it) and `/simulator/push`
 * (`{ url, account, change }`: the card is answered by that letter from then on).
 */
export async function startSchemeServer(
  rules: SchemeRules,
  certificates: Certificates,
  port: number,
): Promise<SchemeServer> {
  const { ca, serverCert: cert, serverKey: key } = certificates;
  const tls: ServerOptions = { ca, cert, key, requestCert: true, rejectUnauthorized: false };
  let fault: Fault | undefined;
  let faultsLeft = 0;
  let callCount = 0;
  let underWay = 0;
  let callsAtOnceMax = 0;

  const server = createServer(tls, (incoming, response) => {
    serve(incoming, response).catch((error: unknown) => answerFailure(response, error));
  });

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const hasCertificate = (incoming.socket as TLSSocket).authorized;
    const body = await readBody(incoming);
    const asked = { path: incoming.url ?? '', headers: incoming.headers, body, hasCertificate };
    const send = ({ status, body: sent }: Reply) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(sent));
    if (asked.path.startsWith('/simulator/')) {
      send(await control(asked));
      return;
    }
    callCount++;
    underWay++;
    callsAtOnceMax = Math.max(callsAtOnceMax, underWay);
    response.on('close', () => underWay--);
    const hit = takeFault();
    if (hit?.delayMs !== undefined)
      await new Promise((end) => setTimeout(end, hit.delayMs).unref());
    if (hit?.kind === 'hang') return;
    if (hit?.kind === 'reset') incoming.socket.destroy();
    else if (hit?.kind === 'garbage') response.end('<html>');
    else if (hit?.status !== undefined) send({ status: hit.status, body: {} });
    else send(await rules.answer(asked));
  }

  function takeFault(): Fault | undefined {
    if (fault === undefined || faultsLeft === 0) return undefined;
    faultsLeft--;
    return fault;
  }

  function setFault(next: Fault | undefined): void {
    fault = next;
    faultsLeft = next === undefined ? 0 : (next.count ?? Number.POSITIVE_INFINITY);
  }

  async function control({ path, body, hasCertificate }: SchemeRequest): Promise<Reply> {
    if (!hasCertificate) return { status: 403, body: {} };
    const fields = JSON.parse(body === '' ? '{}' : body);
    if (path === '/simulator/fault')
      setFault(Object.keys(fields).length === 0 ? undefined : fields);
    else if (path !== '/simulator/push') return { status: 404, body: {} };
    else return { status: 200, body: { status: await push(fields) } };
    return { status: 200, body: {} };
  }

  async function push({ url, account, change }: Record<string, string>): Promise<number> {
    const sent = await rules.push(account ?? '', change ?? '');
    return post(url ?? '', sent, certificates);
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    get callCount() {
      return callCount;
    },
    get callsAtOnceMax() {
      return callsAtOnceMax;
    },
    subscribed: rules.subscribed,
    setFault,
    push: (url, account, change) => push({ url, account, change }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A bad request, or a receiver of a push that does not answer, must not end the simulator. */
function answerFailure(response: ServerResponse, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  if (response.headersSent) response.destroy();
  else response.writeHead(error instanceof SyntaxError ? 400 : 502).end(JSON.stringify({ reason }));
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let byteCount = 0;
  for await (const part of incoming) {
    byteCount += part.length;
    if (byteCount > BODY_BYTES_MAX) break;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function post(url: string, body: string, certificates: Certificates): Promise<number> {
  const { ca, clientCert: cert, clientKey: key } = certificates;
  const headers = { 'content-type': 'application/json' };
  if (url.startsWith('http://127.0.0.1:')) {
    return (await fetch(url, { method: 'POST', headers, body, redirect: 'manual' })).status;
  }
  const sent = request(url, { method: 'POST', headers, ca, cert, key, timeout: 10_000 });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
}
