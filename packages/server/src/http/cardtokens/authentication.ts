import assert from 'node:assert/strict';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refusal } from '../../domain/error.ts';
import type { Merchant } from '../../domain/merchant.ts';
import type { Authenticate } from '../../usecase/authenticate.ts';
import { check } from '../check.ts';
import { originOf } from '../origin.ts';
import { keepRequester } from '../requester.ts';

declare module 'fastify' {
  interface FastifyRequest {
    merchant: Merchant | undefined;
  }
}

/** Lets only merchants with a good `x-api-key` through, before the body is read. */
export function demandMerchant(app: FastifyInstance, authenticate: Authenticate): void {
  app.decorateRequest('merchant', undefined);
  app.addHook(
    'onRequest',
    check((request) => {
      const apiKey = request.headers['x-api-key'];
      if (typeof apiKey !== 'string') throw new Refusal('CREDENTIALS_INVALID');
      const merchant = authenticate.merchant(apiKey, originOf(request));
      request.merchant = merchant;
      keepRequester(request, `merchant:${merchant.id}`);
    }),
  );
}

/** The merchant of a request behind {@link demandMerchant}. */
export function merchantOf(request: FastifyRequest): Merchant {
  const { merchant } = request;
  assert(merchant, 'this route is not behind demandMerchant');
  return merchant;
}
