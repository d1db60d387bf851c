import type { FastifyRequest } from 'fastify';

/** `caller:<id>` or `merchant:<id>`, by request. */
const requesters = new WeakMap<FastifyRequest, string>();

/** Remembers who sent a request, once that is certain. */
export function keepRequester(request: FastifyRequest, who: string): void {
  requesters.set(request, who);
}

/** Who sent a request; undefined before, or without, authentication. */
export function requesterOf(request: FastifyRequest): string | undefined {
  return requesters.get(request);
}
