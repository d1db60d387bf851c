import assert from 'node:assert/strict';
import type { FastifyContextConfig, FastifyInstance } from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { AuditAction } from '../../domain/audit-record.ts';
import type { Caller } from '../../domain/caller.ts';
import type { Authenticate } from '../../usecase/authenticate.ts';
import type { PendingNonces } from '../../usecase/pending-nonces.ts';
import type { DirectRoute, DirectRoutes } from '../direct-routes.ts';
import { parseJsonBody } from '../json-body.ts';
import { rawBodyOf } from '../raw-body.ts';
import { callerOf, credentialsOf } from './authentication.ts';
import { plainSignatureOf } from './request-signature.ts';

export interface CallerRouteDeps {
  readonly authenticate: Authenticate;
  readonly nonces: PendingNonces;
  readonly direct: DirectRoutes;
}

/** A route that reads nothing of a request but who sent it and its body. */
export interface CallerRoute<B extends TSchema, A extends TSchema> {
  readonly url: string;
  readonly body: B;
  readonly response: A;
  readonly config: FastifyContextConfig & { readonly auditAction: AuditAction };
  answer(caller: Caller, body: Static<B>, requestId: string): Promise<Static<A>>;
}

/**
 * Registers a `POST` of callers with Fastify, behind `demandCaller`; and as a direct route, with the
 * same checks, schemas and answers.
 */
export function registerCallerRoute<B extends TSchema, A extends TSchema>(
  app: FastifyInstance,
  deps: CallerRouteDeps,
  route: CallerRoute<B, A>,
): void {
  const { url, body, response, config, answer } = route;
  const schema = { body, response: { 200: response } };
  app.post<{ Reply: unknown }>(url, { schema, config }, async (request) =>
    answer(callerOf(request), request.body as Static<B>, request.id),
  );
  // Schemas are compiled when all routes are there.
  app.addHook('onReady', async () => deps.direct.add(directRoute(app, deps, route)));
}

function directRoute<B extends TSchema, A extends TSchema>(
  app: FastifyInstance,
  { authenticate, nonces }: CallerRouteDeps,
  { url, body: schema, response, config, answer }: CallerRoute<B, A>,
): DirectRoute {
  const of = { method: 'POST', url };
  const isBody = app.validatorCompiler?.({ ...of, schema, httpPart: 'body' });
  const serialize = app.serializerCompiler?.({ ...of, schema: response, httpStatus: '200' });
  assert(isBody && serialize, 'Fastify has compiled no schemas');
  return {
    url,
    action: config.auditAction,
    begin(request) {
      // What has to be waited for is Fastify's: an HTTP message signature, an access token not seen before.
      if (request.headers['signature-input'] !== undefined) return undefined;
      const registered = authenticate.knownCaller(credentialsOf(request));
      if (registered === undefined) return undefined;
      const body = parseJsonBody(rawBodyOf(request));
      if (isBody(body) !== true) return undefined;
      const { caller } = registered;
      return {
        who: `caller:${caller.id}`,
        async answer(requestId) {
          authenticate.signature(registered, plainSignatureOf(request), requestId);
          const answered = await answer(caller, body as Static<B>, requestId);
          assert(nonces.take(requestId) === undefined, 'a signed request left no record');
          return serialize(answered);
        },
      };
    },
  };
}
