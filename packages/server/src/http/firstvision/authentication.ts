import assert from 'node:assert/strict';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../../domain/caller.ts';
import { Refusal } from '../../domain/error.ts';
import type {
  Authenticate,
  CallerCredentials,
  RequestSignature,
} from '../../usecase/authenticate.ts';
import type { PendingNonces } from '../../usecase/pending-nonces.ts';
import type { RegisteredCaller } from '../../usecase/ports.ts';
import type { Asked } from '../direct-routes.ts';
import { headerOf } from '../header.ts';
import { originOf } from '../origin.ts';
import { keepRequester } from '../requester.ts';
import { requestSignatureOf } from './request-signature.ts';

declare module 'fastify' {
  interface FastifyRequest {
    registeredCaller: RegisteredCaller | undefined;
  }
}

/** FirstVision: unique for each request, at most 40 characters. */
const CLIENT_REQUEST_ID_PATTERN = /^[\x21-\x7e]{1,40}$/;

/** Lets only authenticated callers through: by headers before the body is read, by signature after. */
export function demandCaller(
  app: FastifyInstance,
  { authenticate, nonces }: { authenticate: Authenticate; nonces: PendingNonces },
): void {
  app.decorateRequest('registeredCaller', undefined);
  app.addHook('onRequest', (request, _reply, done) => {
    const keep = (registered: RegisteredCaller) => {
      request.registeredCaller = registered;
      keepRequester(request, `caller:${registered.caller.id}`);
    };
    go(() => authenticate.caller(credentialsOf(request)), keep, done);
  });

  app.addHook('preValidation', (request, _reply, done) => {
    const demand = (signature: RequestSignature | undefined) =>
      authenticate.signature(registeredCallerOf(request), signature, request.id);
    go(() => requestSignatureOf(request), demand, done);
  });

  // Signed, answered and its nonce not written: it could be replayed. No route may do that.
  app.addHook('onSend', (request, reply, _payload, done) => {
    const isPending = nonces.take(request.id) !== undefined;
    assert(!isPending || reply.statusCode >= 300, 'a signed request left no record');
    done();
  });
}

/** @throws {Refusal} `CREDENTIALS_INVALID`, `ACCESS_TOKEN_INVALID`, `HEADER_INVALID` */
export function credentialsOf(request: Asked): CallerCredentials {
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
  return { apikey, clientId, accessToken, origin: originOf(request) };
}

/** Goes on with what was found: at once, or when it is there. Most requests have to wait for nothing. */
function go<T>(
  find: () => T | Promise<T>,
  act: (found: T) => void,
  done: (error?: Error) => void,
): void {
  try {
    const found = find();
    if (found instanceof Promise) {
      found.then(act).then(() => done(), done);
      return;
    }
    act(found);
  } catch (error) {
    done(error as Error);
    return;
  }
  done();
}

function registeredCallerOf(request: FastifyRequest): RegisteredCaller {
  const { registeredCaller } = request;
  assert(registeredCaller, 'this route is not behind demandCaller');
  return registeredCaller;
}

/** The caller of a request behind {@link demandCaller}. */
export function callerOf(request: FastifyRequest): Caller {
  return registeredCallerOf(request).caller;
}
