import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { HandleCallback } from '../../usecase/handle-callback.ts';
import { rawBodyOf } from '../raw-body.ts';

/**
 * `POST /v1/callbacks/visa` and `/v1/callbacks/mastercard`
 *
 * What a scheme pushes. Nobody is authenticated here: it is taken for a hint to ask anew.
 */
export function registerCallbacks(app: FastifyInstance, handleCallback: HandleCallback): void {
  for (const scheme of ['visa', 'mastercard'] as const) {
    const config = { openapi: { summary: 'What a scheme pushes', security: [] } };
    const schema = { response: { 200: Type.Object({}, { additionalProperties: true }) } };
    app.post(`/v1/callbacks/${scheme}`, { schema, config }, async (request) => {
      return (await handleCallback(scheme, rawBodyOf(request))) ?? {};
    });
  }
}
