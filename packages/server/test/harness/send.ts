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

/** To a service of this process, without a socket. */
export function injecting(app: () => FastifyInstance, registry: PanRegistry): Send {
  return recording(registry, async ({ method, path, headers, body }) => {
    const reply = await app().inject({
      method,
      url: path,
      headers: { ...headers },
      ...(body !== undefined && { payload: body }),
    });
    return { status: reply.statusCode, headers: reply.headers, text: reply.payload };
  });
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
