import type { FastifyInstance } from 'fastify';
import { Refusal } from '../domain/error.ts';
import { check } from './check.ts';
import { requesterOf } from './requester.ts';

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

  const end = () => underWay--;
  app.addHook(
    'onRequest',
    check((request, reply) => {
      underWay++;
      // Comes once, when the answer has been sent or nobody is there any more to take it.
      reply.raw.once('close', end);
      const isOverloaded = underWay > requestsMax || lateLooks >= LATE_LOOKS;
      if (isOverloaded && !isExempt(request.url)) throw new Refusal('TOO_BUSY');
    }),
  );
  limitShares(app, Math.max(1, Math.floor(requestsMax * SHARE_MAX)));
  app.addHook('onClose', async () => {
    clearInterval(timer);
  });
}

/** Behind authentication, and before the body. */
function limitShares(app: FastifyInstance, shareMax: number): void {
  const underWay = new Map<string, number>();
  function end(who: string): void {
    const left = (underWay.get(who) ?? 0) - 1;
    if (left > 0) underWay.set(who, left);
    else underWay.delete(who);
  }
  app.addHook('preParsing', (request, reply, _payload, done) => {
    const who = requesterOf(request);
    // Who has gone meanwhile would never be counted out again.
    if (who === undefined || reply.raw.closed) {
      done();
      return;
    }
    const count = (underWay.get(who) ?? 0) + 1;
    underWay.set(who, count);
    reply.raw.once('close', () => end(who));
    if (count > shareMax) done(new Refusal('RATE_EXCEEDED', { retryAfterSeconds: 1 }));
    else done();
  });
}
