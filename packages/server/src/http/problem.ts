import { Type } from 'typebox';
import type { ErrorKind } from '../domain/error.ts';
import { type Face, STATUS_OF_TRANSPORT } from './face.ts';

const STATUS_OF_KIND = {
  invalid: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  limited: 429,
  unavailable: 503,
} as const satisfies Record<ErrorKind, number>;

/** The form of every failure; `facts` are field names, lengths and counts. */
export const Problem = Type.Object({
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  facts: Type.Optional(Type.Object({})),
  requestId: Type.String(),
});

/** RFC 9457 problem details: the native form, and that of paths that belong to no face. */
export const problemFace: Face = {
  serves: () => true,
  sendRefusal(refusal, _path, reply) {
    const { code, kind, facts, message: title } = refusal;
    const status = STATUS_OF_TRANSPORT[code] ?? STATUS_OF_KIND[kind];
    return reply
      .code(status)
      .type('application/problem+json')
      .send({ title, status, code, facts, requestId: reply.request.id });
  },
  sendInternal(requestId, reply) {
    return reply
      .code(500)
      .type('application/problem+json')
      .send({ title: 'Internal error.', status: 500, code: 'INTERNAL', requestId });
  },
};
