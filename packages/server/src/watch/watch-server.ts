import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Metrics } from './metrics.ts';

/** What is missing for the service to do its work; nothing when all is there. */
export interface Readiness {
  readonly missing: readonly string[];
  /** What does not work while the rest does. */
  readonly degraded: readonly string[];
}

export interface WatchServerDeps {
  readonly metrics: Metrics;
  /** Rejects or takes longer than {@link CHECK_LIMIT_MS}: everything is missing. */
  check(): Promise<Readiness>;
}

/** A check that takes longer is a check that failed. */
export const CHECK_LIMIT_MS = 2_000;

/**
 * `GET /livez`, `/readyz` and `/metrics`, on a listener of its own: who may reach the API need not
 * reach this. It shows names and counts, never what was sent.
 */
export function makeWatchServer({ metrics, check }: WatchServerDeps): Server {
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?');
    if (request.method !== 'GET') return send(response, 405, 'text/plain', '');
    if (path === '/livez') return send(response, 200, 'text/plain', 'live\n');
    if (path === '/readyz') return void sendReadiness(response, check);
    if (path === '/metrics') return void sendMetrics(response, metrics);
    send(response, 404, 'text/plain', '');
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;
  server.maxConnections = 64;
  return server;
}

async function sendReadiness(
  response: ServerResponse,
  check: WatchServerDeps['check'],
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('late')), CHECK_LIMIT_MS);
  });
  const readiness = await Promise.race([check(), late]).catch(
    (): Readiness => ({ missing: ['answer in time'], degraded: [] }),
  );
  clearTimeout(timer);
  const { missing, degraded } = readiness;
  const body = { ready: missing.length === 0, missing, degraded };
  send(response, body.ready ? 200 : 503, 'application/json', `${JSON.stringify(body)}\n`);
}

async function sendMetrics(response: ServerResponse, metrics: Metrics): Promise<void> {
  try {
    const { contentType, text } = await metrics.render();
    send(response, 200, contentType, text);
  } catch {
    send(response, 503, 'text/plain', ''); // A gauge that could not be read.
  }
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(body);
}
