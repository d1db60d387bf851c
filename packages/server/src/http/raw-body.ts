import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    rawBody: Uint8Array | undefined;
  }
}

/** Makes room for the bytes of bodies. A place of the request itself: a map beside it costs a GC dear. */
export function decorateWithRawBody(app: FastifyInstance): void {
  app.decorateRequest('rawBody', undefined);
}

/** Keeps the bytes of a body as they came, for signatures. */
export function keepRawBody(request: FastifyRequest, body: Uint8Array): void {
  request.rawBody = body;
}

/** The bytes of a body as they came; none when there was no body. */
export function rawBodyOf(request: Pick<FastifyRequest, 'rawBody'>): Uint8Array {
  return request.rawBody ?? new Uint8Array();
}
