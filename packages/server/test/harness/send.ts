import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { PanRegistry } from './pan-registry.ts';

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'OPTIONS' | 'HEAD';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Sends a request and keeps the card numbers of both ways. */
export type Send = (request: Request) => Promise<Reply>;

/** What comes to these in one piece over a socket is answered by direct routes. */
const DIRECT_PATHS: readonly string[] = ['/cards/embosser/card-pan-l8v2'];

/** To a service of this process, without a socket; to direct routes with one, since they need it. */
export function injecting(app: () => FastifyInstance, registry: PanRegistry): Send {
  const overSocket = connecting(app);
  return recording(registry, async (request) => {
    const { method, path, headers, body } = request;
    if (method === 'POST' && DIRECT_PATHS.includes(path)) return overSocket(request);
    const reply = await app().inject({
      method,
      url: path,
      headers: { ...headers },
      ...(body !== undefined && { payload: body }),
    });
    return { status: reply.statusCode, headers: reply.headers, text: reply.payload };
  });
}

/** Each request over a connection of its own, to a server that need not listen. */
function connecting(app: () => FastifyInstance): Send {
  const door = createServer((socket) => app().server.emit('connection', socket)).unref();
  return async ({ method, path, headers, body }) => {
    await app().ready();
    if (!door.listening) await once(door.listen(0, '127.0.0.1'), 'listening');
    const { port } = door.address() as AddressInfo;
    const place = { host: '127.0.0.1', port, path };
    // `close`, which Node would send, is left to Node by the server, and never reaches a direct route.
    const sent = { ...headers, connection: 'keep-alive' };
    const asking = httpRequest({ ...place, method, headers: sent, agent: false });
    asking.end(body);
    const [reply] = await once(asking, 'response');
    const chunks = await reply.toArray();
    const text = Buffer.concat(chunks).toString();
    return { status: reply.statusCode, headers: reply.headers, text };
  };
}

/** To a server of another process. */
export function fetching(url: string, registry: PanRegistry): Send {
  return recording(registry, async ({ method, path, headers, body }) => {
    const reply = await fetch(url + path, {
      method,
      headers: Object.entries({ ...headers }).flatMap(([name, value]) =>
        [value].flat().map((each): [string, string] => [name, each]),
      ),
      ...(body !== undefined && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
    });
    return {
      status: reply.status,
      headers: Object.fromEntries(reply.headers),
      text: await reply.text(),
    };
  });
}

function recording(registry: PanRegistry, send: Send): Send {
  return async (request) => {
    registry.addFromJson(String(request.body ?? ''));
    const reply = await send(request);
    registry.addFromJson(reply.text);
    return reply;
  };
}
