import assert from 'node:assert/strict';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../../domain/caller.ts';
import { Refusal } from '../../domain/error.ts';
import type { Authenticate } from '../../usecase/authenticate.ts';
import { rawBodyOf } from '../raw-body.ts';

const callers = new WeakMap<FastifyRequest, Caller>();

/** FirstVision: unique for each request, at most 40 characters. */
const CLIENT_REQUEST_ID_PATTERN = /^[\x21-\x7e]{1,40}$/;

/** Lets only authenticated callers through: by headers before the body is read, by signature after. */
export function demandCaller(app: FastifyInstance, authenticate: Authenticate): void {
  app.addHook('onRequest', async (request) => {
    const apikey = headerOf(request, 'apikey');
    const clientId = headerOf(request, 'x-clientid');
    const authorization = headerOf(request, 'authorization');
    if (apikey === undefined || clientId === undefined) throw new Refusal('CREDENTIALS_INVALID');
    const [, accessToken] = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? [];
    if (accessToken === undefined) throw new Refusal('ACCESS_TOKEN_INVALID');
    const clientRequestId = headerOf(request, 'x-client-request-id');
    if (clientRequestId !== undefined && !CLIENT_REQUEST_ID_PATTERN.test(clientRequestId)) {
      throw new Refusal('HEADER_INVALID', { field: 'X-Client-Request-Id' });
    }
    callers.set(request, await authenticate.caller(apikey, clientId, accessToken));
  });

  app.addHook('preValidation', async (request) => {
    const signature = headerOf(request, 'signature');
    if (signature === undefined) return;
    authenticate.signature({
      apikey: headerOf(request, 'apikey') ?? '',
      signature,
      clientRequestId: headerOf(request, 'x-client-request-id') ?? '',
      timestamp: headerOf(request, 'timestamp') ?? '',
      rawBody: rawBodyOf(request),
    });
  });
}

/** The caller of a request behind {@link demandCaller}. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  assert(caller, 'this route is not behind demandCaller');
  return caller;
}

/** @throws {Refusal} `HEADER_INVALID` when it was sent more than once as a list. */
function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  if (Array.isArray(value)) throw new Refusal('HEADER_INVALID', { field: name });
  return value;
}
