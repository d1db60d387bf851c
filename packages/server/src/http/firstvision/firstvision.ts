import type { FastifyInstance } from 'fastify';
import type { Authenticate } from '../../usecase/authenticate.ts';
import type { CreateCard } from '../../usecase/create-card.ts';
import type { InquireNumber } from '../../usecase/inquire-number.ts';
import type { InquireToken } from '../../usecase/inquire-token.ts';
import type { PendingNonces } from '../../usecase/pending-nonces.ts';
import type { ReissueCard } from '../../usecase/reissue-card.ts';
import type { RenewCard } from '../../usecase/renew-card.ts';
import type { DirectRoutes } from '../direct-routes.ts';
import { registerAccessToken } from './access-token.ts';
import { demandCaller } from './authentication.ts';
import { registerCardAction } from './card-action.ts';
import { registerCardPan } from './card-pan.ts';
import { registerEmbosserAdd } from './embosser-add.ts';
import type { MakeRepeatable } from './repeatable.ts';

export interface FirstVisionDeps {
  readonly authenticate: Authenticate;
  readonly nonces: PendingNonces;
  readonly createCard: CreateCard;
  readonly inquireToken: InquireToken;
  readonly inquireNumber: InquireNumber;
  readonly reissueCard: ReissueCard;
  readonly renewCard: RenewCard;
  readonly makeRepeatable: MakeRepeatable;
}

/** The issuer's face: FirstVision's paths, fields and codes. */
export function registerFirstVision(
  app: FastifyInstance,
  deps: FirstVisionDeps,
  direct: DirectRoutes,
): void {
  app.register((scope, _options, done) => {
    registerAccessToken(scope, deps.authenticate);
    done();
  });
  app.register((scope, _options, done) => {
    demandCaller(scope, deps);
    registerEmbosserAdd(scope, deps);
    registerCardPan(scope, { ...deps, direct });
    registerCardAction(scope, deps);
    done();
  });
}
