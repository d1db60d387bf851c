import type { FastifyInstance } from 'fastify';
import type { Authenticate } from '../../usecase/authenticate.ts';
import type { MessageCipher } from '../../usecase/message-cipher.ts';
import type { ValidationQuota } from '../../usecase/request-rate.ts';
import type { ValidatePan } from '../../usecase/validate-pan.ts';
import { demandMerchant } from './authentication.ts';
import { registerValidatePan } from './validatepan.ts';
import { registerWatchlist, type WatchlistDeps } from './watchlist.ts';

export interface CardtokensDeps extends WatchlistDeps {
  readonly authenticate: Authenticate;
  readonly validatePan: ValidatePan;
  readonly validationQuota: ValidationQuota;
  readonly cipher: MessageCipher;
}

/** The merchant's face: Cardtokens' paths and fields. */
export function registerCardtokens(app: FastifyInstance, deps: CardtokensDeps): void {
  app.register((scope, _options, done) => {
    demandMerchant(scope, deps.authenticate);
    registerValidatePan(scope, deps);
    registerWatchlist(scope, deps);
    done();
  });
}
