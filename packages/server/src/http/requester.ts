import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** `caller:<id>` or `merchant:<id>`. */
    requester: string | undefined;
  }
}

export function decorateWithRequester(app: FastifyInstance): void {
  app.decorateRequest('requester', undefined);
}

/** Remembers who sent a request, once that is certain. */
export function keepRequester(request: FastifyRequest, who: string): void {
  request.requester = who;
}

/** Who sent a request; undefined before, or without, authentication. */
export function requesterOf(request: FastifyRequest): string | undefined {
  return request.requester;
}
