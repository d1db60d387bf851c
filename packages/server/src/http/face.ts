import type { FastifyReply } from 'fastify';
import type { Refusal } from '../domain/error.ts';

/** How one API tells its clients that something went wrong. */
export interface Face {
  /** @param path of the request, without the query. */
  serves(path: string): boolean;
  sendRefusal(refusal: Refusal, path: string, reply: FastifyReply): FastifyReply;
  /** A bug: says nothing about it but the id under which it is in the log. */
  sendInternal(requestId: string, reply: FastifyReply): FastifyReply;
}

/** Refusals that HTTP itself has a status for, whatever the face. */
export const STATUS_OF_TRANSPORT: Partial<Record<Refusal['code'], number>> = {
  HTTP_MALFORMED: 400,
  REQUEST_TIMEOUT: 408,
  BODY_TOO_LARGE: 413,
  BODY_NOT_JSON: 400,
  BODY_DUPLICATE_KEY: 400,
  BODY_TOO_DEEP: 400,
  CONTENT_TYPE_UNSUPPORTED: 415,
  HEADER_INVALID: 400,
  REQUEST_INVALID: 400,
  METHOD_NOT_ALLOWED: 405,
  ROUTE_UNKNOWN: 404,
  URL_TOO_LONG: 414,
};

/** What a person reads: the title, and which field it is about. */
export function describe(refusal: Refusal): string {
  const { field } = refusal.facts;
  return field === undefined ? refusal.message : `${refusal.message} Field: ${field}.`;
}
