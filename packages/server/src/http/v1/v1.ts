import type { FastifyInstance } from 'fastify';
import type { Authenticate } from '../../usecase/authenticate.ts';
import type { HandleCallback } from '../../usecase/handle-callback.ts';
import type { PendingNonces } from '../../usecase/pending-nonces.ts';
import type { RecordAccountChanges } from '../../usecase/record-account-changes.ts';
import { demandCaller } from '../firstvision/authentication.ts';
import { registerAccountChanges } from './account-changes.ts';
import { registerCallbacks } from './callbacks.ts';

export interface V1Deps {
  readonly authenticate: Authenticate;
  readonly nonces: PendingNonces;
  readonly recordAccountChanges: RecordAccountChanges;
  readonly handleCallback: HandleCallback;
}

/** The native face: JSON of our own, errors as problem details (RFC 9457). */
export function registerV1(app: FastifyInstance, deps: V1Deps): void {
  app.register((scope, _options, done) => {
    demandCaller(scope, deps);
    registerAccountChanges(scope, deps.recordAccountChanges);
    done();
  });
  // In a scope, as all routes: those registered at once come before the OpenAPI document listens.
  app.register((scope, _options, done) => {
    registerCallbacks(scope, deps.handleCallback);
    done();
  });
}
