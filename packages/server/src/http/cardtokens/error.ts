import { Type } from 'typebox';
import type { ErrorKind } from '../../domain/error.ts';
import { describe, type Face, STATUS_OF_TRANSPORT } from '../face.ts';

export const STATUS_OF_KIND = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  limited: 429,
  unavailable: 503,
} as const satisfies Record<ErrorKind, number>;

/** The form of every failure. */
export const CardtokensError = Type.Object({
  code: Type.String(),
  message: Type.String(),
  correlationID: Type.String(),
});

/** Cardtokens' error form: `code`, `message`, `correlationID`. Never a status letter. */
export const cardtokensFace: Face = {
  serves: (path) => path.startsWith('/api/cu/'),
  sendRefusal(refusal, _path, reply) {
    const { code, kind } = refusal;
    const status = STATUS_OF_TRANSPORT[code] ?? STATUS_OF_KIND[kind];
    const correlationID = reply.request.id;
    return reply.code(status).send({ code, message: describe(refusal), correlationID });
  },
  sendInternal(requestId, reply) {
    const message = 'Internal error.';
    return reply.code(500).send({ code: 'INTERNAL', message, correlationID: requestId });
  },
};
