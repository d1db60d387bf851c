import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refusal } from '../domain/error.ts';
import { makeLimitRefusals } from '../usecase/request-rate.ts';
import { check } from './check.ts';
import { requesterOf } from './requester.ts';

/** How many requests of one requester are under way. */
interface Holder {
  count: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who holds its place, once that is known. */
    holder: Holder | undefined;
  }
}

/** The event loop is late by so much when it has more to do than it can. */
const DELAY_MAX_MS = 1_000;

/** How often it is looked, and how often in a row it must be late: one pause is no overload. */
const LOOK_EVERY_MS = 250;
const LATE_LOOKS = 3;

/** Of the requests under way one requester may have so many: what is left is for the others. */
const SHARE_MAX = 0.5;

/**
 * Sheds load before the event loop drowns: 503 with Retry-After, before anything is read, looked up or
 * decrypted, when too many requests are under way or the loop runs late. Who has half of the places is
 * refused by itself, before its body is read: bodies that never end hold up nobody else.
 *
 * @param isExempt paths that have to be answered all the same, such as those of health checks.
 */
export function shedLoad(
  app: FastifyInstance,
  requestsMax: number,
  isExempt: (path: string) => boolean = () => false,
): void {
  let underWay = 0;
  let lateLooks = 0;
  let lookedAt = performance.now();
  // By when this very timer comes. (monitorEventLoopDelay skips what follows each reset: of a loop that
  // turns once between two looks it sees nothing.)
  const timer = setInterval(() => {
    const now = performance.now();
    const isLate = now - lookedAt - LOOK_EVERY_MS > DELAY_MAX_MS;
    lateLooks = isLate ? lateLooks + 1 : 0;
    lookedAt = now;
  }, LOOK_EVERY_MS).unref();

  const refusals = makeLimitRefusals({ nowMs: () => performance.now() });
  const share = countShares(Math.max(1, Math.floor(requestsMax * SHARE_MAX)));
  app.decorateRequest('holder', undefined);
  app.addHook(
    'onRequest',
    check((request, reply) => {
      underWay++;
      // Comes once, when the answer has been sent or nobody is there any more to take it.
      reply.raw.on('close', () => {
        underWay--;
        if (request.holder !== undefined) request.holder.count--;
      });
      const isOverloaded = underWay > requestsMax || lateLooks >= LATE_LOOKS;
      if (isOverloaded && !isExempt(request.url)) throw new Refusal('TOO_BUSY');
    }),
  );
  // Behind authentication, and before the body.
  app.addHook('preParsing', (request, reply, _payload, done) => {
    const who = requesterOf(request);
    // Who has gone meanwhile would never be counted out again.
    if (who === undefined || reply.raw.closed) done();
    else done(share.take(request, who) ? null : refusals.refuse(who, 'RATE_EXCEEDED', {}, 1));
  });
  app.addHook('onClose', async () => {
    clearInterval(timer);
  });
}

/** Requests under way of each requester; there are no more of these than are registered. */
function countShares(shareMax: number) {
  const holders = new Map<string, Holder>();
  return {
    /** Counts a request. @returns whether its requester has that many places. */
    take(request: FastifyRequest, who: string): boolean {
      let holder = holders.get(who);
      if (holder === undefined) {
        holder = { count: 0 };
        holders.set(who, holder);
      }
      request.holder = holder;
      return ++holder.count <= shareMax;
    },
  };
}
