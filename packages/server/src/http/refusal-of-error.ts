import type { FastifyError, FastifyRequest } from 'fastify';
import { Refusal, type RefusalCode } from '../domain/error.ts';

/** Which refusal it is when a field has not the form of the schema; `REQUEST_INVALID` where none. */
export type RefusalOfField = Readonly<Record<string, RefusalCode>>;

declare module 'fastify' {
  interface FastifyContextConfig {
    refusalOfField?: RefusalOfField;
  }
}

const REFUSAL_OF_FASTIFY: Readonly<Record<string, RefusalCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'CONTENT_TYPE_UNSUPPORTED',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'BODY_NOT_JSON',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'BODY_NOT_JSON',
  FST_ERR_BAD_URL: 'ROUTE_UNKNOWN',
  FST_ERR_MAX_PARAM_LENGTH_EXCEEDED: 'ROUTE_UNKNOWN',
};

/** The refusal an error stands for; undefined for a bug. No fact repeats a value of the request. */
export function refusalOfError(error: unknown, request: FastifyRequest): Refusal | undefined {
  if (error instanceof Refusal) return error;
  const { code, validation, statusCode } = error as FastifyError;
  const [problem] = validation ?? [];
  if (problem !== undefined) {
    // A missing field is named by the schema; the name of an unknown one is the caller's and may
    // hold anything, so it is not repeated.
    const missing = problem.params.missingProperty;
    const field =
      typeof missing === 'string' ? missing : problem.instancePath.split('/')[1] || 'body';
    const byField = request.routeOptions.config.refusalOfField?.[field];
    const facts = { field, problem: problem.keyword };
    return new Refusal(byField ?? 'REQUEST_INVALID', facts);
  }
  const byCode = REFUSAL_OF_FASTIFY[code];
  if (byCode !== undefined) return new Refusal(byCode, {}, { cause: error });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Refusal('REQUEST_INVALID', {}, { cause: error });
  }
  return undefined;
}
