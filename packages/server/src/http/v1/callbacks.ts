import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { HandleCallback } from '../../usecase/handle-callback.ts';
import { originOf } from '../origin.ts';
import { rawBodyOf } from '../raw-body.ts';

/**
 * `POST /v1/callbacks/visa` and `/v1/callbacks/mastercard`, or the same with a secret behind
 *
 * What a scheme pushes. It shows its client certificate, or the secret that ends the path it was
 * given; whoever does not is refused before the body is read.
 */
export function registerCallbacks(app: FastifyInstance, callbacks: HandleCallback): void {
  for (const scheme of ['visa', 'mastercard'] as const) {
    const config = { openapi: { summary: 'What a scheme pushes', security: [] } };
    const schema = { response: { 200: Type.Object({}, { additionalProperties: true }) } };
    const onRequest = async (request: FastifyRequest) => {
      const { certificate } = originOf(request);
      const { secret } = request.params as { secret?: string };
      callbacks.demandScheme(scheme, { certificate, secret });
    };
    const answer = async (request: FastifyRequest) =>
      (await callbacks.take(scheme, rawBodyOf(request))) ?? {};
    for (const path of [`/v1/callbacks/${scheme}`, `/v1/callbacks/${scheme}/:secret`]) {
      app.post(path, { schema, config, onRequest }, answer);
    }
  }
}
