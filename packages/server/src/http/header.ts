import type { FastifyRequest } from 'fastify';
import { Refusal } from '../domain/error.ts';

/** @throws {Refusal} `HEADER_INVALID` when it was sent more than once as a list. */
export function headerOf(
  request: Pick<FastifyRequest, 'headers'>,
  name: string,
): string | undefined {
  const value = request.headers[name];
  if (Array.isArray(value)) throw new Refusal('HEADER_INVALID', { field: name });
  return value;
}
