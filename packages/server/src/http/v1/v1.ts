import type { FastifyInstance } from 'fastify';
import type { Authenticate } from '../../usecase/authenticate.ts';
import type { PendingNonces } from '../../usecase/pending-nonces.ts';
import type { RecordAccountChanges } from '../../usecase/record-account-changes.ts';
import { demandCaller } from '../firstvision/authentication.ts';
import { registerAccountChanges } from './account-changes.ts';

export interface V1Deps {
  readonly authenticate: Authenticate;
  readonly nonces: PendingNonces;
  readonly recordAccountChanges: RecordAccountChanges;
}

/** The native face: JSON of our own, errors as problem details (RFC 9457). */
export function registerV1(app: FastifyInstance, deps: V1Deps): void {
  app.register((scope, _options, done) => {
    demandCaller(scope, deps);
    registerAccountChanges(scope, deps.recordAccountChanges);
    done();
  });
}
