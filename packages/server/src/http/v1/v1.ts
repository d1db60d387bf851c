import type { FastifyInstance } from 'fastify';
import type { Authenticate } from '../../usecase/authenticate.ts';
import type { HandleCallback } from '../../usecase/handle-callback.ts';
import type { ManageCallers } from '../../usecase/manage-callers.ts';
import type { PendingNonces } from '../../usecase/pending-nonces.ts';
import type { ReadAuditRecords } from '../../usecase/read-audit-records.ts';
import type { RecordAccountChanges } from '../../usecase/record-account-changes.ts';
import type { SetBait } from '../../usecase/set-bait.ts';
import type { ValidateCard } from '../../usecase/validate-card.ts';
import { demandCaller } from '../firstvision/authentication.ts';
import { registerAccountChanges } from './account-changes.ts';
import { registerAuditRecords } from './audit-records.ts';
import { registerBait } from './bait.ts';
import { registerCallbacks } from './callbacks.ts';
import { registerCallers } from './callers.ts';
import { registerCardStatus } from './card-status.ts';

export interface V1Deps {
  readonly authenticate: Authenticate;
  readonly nonces: PendingNonces;
  readonly recordAccountChanges: RecordAccountChanges;
  readonly handleCallback: HandleCallback;
  readonly setBait: SetBait;
  readonly validateCard: ValidateCard;
  readonly readAuditRecords: ReadAuditRecords;
  readonly manageCallers: ManageCallers;
}

/** The native face: JSON of our own, errors as problem details (RFC 9457). */
export function registerV1(app: FastifyInstance, deps: V1Deps): void {
  app.register((scope, _options, done) => {
    demandCaller(scope, deps);
    registerAccountChanges(scope, deps.recordAccountChanges);
    registerBait(scope, deps.setBait);
    registerCardStatus(scope, deps.validateCard);
    registerAuditRecords(scope, deps.readAuditRecords);
    registerCallers(scope, deps.manageCallers);
    done();
  });
  // In a scope, as all routes: those registered at once come before the OpenAPI document listens.
  app.register((scope, _options, done) => {
    registerCallbacks(scope, deps.handleCallback);
    done();
  });
}
