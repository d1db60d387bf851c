import type { FastifyRequest } from 'fastify';

const rawBodies = new WeakMap<FastifyRequest, Uint8Array>();

/** Keeps the bytes of a body as they came, for signatures. */
export function keepRawBody(request: FastifyRequest, body: Uint8Array): void {
  rawBodies.set(request, body);
}

/** The bytes of a body as they came; none when there was no body. */
export function rawBodyOf(request: FastifyRequest): Uint8Array {
  return rawBodies.get(request) ?? new Uint8Array();
}
