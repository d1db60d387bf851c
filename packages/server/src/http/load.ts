import type { FastifyInstance } from 'fastify';
import { Refusal } from '../domain/error.ts';
import { makeLimitRefusals } from '../usecase/request-rate.ts';
import { check } from './check.ts';
import { requesterOf } from './requester.ts';

/** How many requests of one requester are under way. */
export interface Holder {
  count: number;
}

/** Keeps count of the requests under way, whichever way they are answered. */
export interface Load {
  /** A request is there; it has to be told when it ends. */
  begin(): void;
  /** @param holder who it was counted for; undefined where nobody was. */
  end(holder: Holder | undefined): void;
  /** Too much is under way, or the event loop is late. */
  isTooHigh(): boolean;
  /** Counts a request that has begun for who sent it. */
  hold(who: string): Holder;
  /** Whether somebody has more places than are for one. */
  isOverShare(holder: Holder): boolean;
  close(): void;
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

export function makeLoad(requestsMax: number): Load {
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
  const shareMax = Math.max(1, Math.floor(requestsMax * SHARE_MAX));
  /** There are no more of these than are registered. */
  const holders = new Map<string, Holder>();
  return {
    begin() {
      underWay++;
    },
    end(holder) {
      underWay--;
      if (holder !== undefined) holder.count--;
    },
    isTooHigh: () => underWay > requestsMax || lateLooks >= LATE_LOOKS,
    hold(who) {
      let holder = holders.get(who);
      if (holder === undefined) {
        holder = { count: 0 };
        holders.set(who, holder);
      }
      holder.count++;
      return holder;
    },
    isOverShare: ({ count }) => count > shareMax,
    close: () => clearInterval(timer),
  };
}

/**
 * Sheds load before the event loop drowns: 503 with Retry-After, before anything is read, looked up or
 * decrypted, when too many requests are under way or the loop runs late. Who has half of the places is
 * refused by itself, before its body is read: bodies that never end hold up nobody else.
 *
 * @param isExempt paths that have to be answered all the same, such as those of health checks.
 */
export function shedLoad(
  app: FastifyInstance,
  load: Load,
  isExempt: (path: string) => boolean = () => false,
): void {
  const refusals = makeLimitRefusals({ nowMs: () => performance.now() });
  app.decorateRequest('holder', undefined);
  app.addHook(
    'onRequest',
    check((request, reply) => {
      load.begin();
      // Comes once, when the answer has been sent or nobody is there any more to take it.
      reply.raw.on('close', () => load.end(request.holder));
      if (load.isTooHigh() && !isExempt(request.url)) throw new Refusal('TOO_BUSY');
    }),
  );
  // Behind authentication, and before the body.
  app.addHook('preParsing', (request, reply, _payload, done) => {
    const who = requesterOf(request);
    if (who === undefined || reply.raw.closed) {
      // Who has gone meanwhile would never be counted out again.
      done();
      return;
    }
    request.holder = load.hold(who);
    const isTooMuch = load.isOverShare(request.holder);
    done(isTooMuch ? refusals.refuse(who, 'RATE_EXCEEDED', {}, 1) : null);
  });
  app.addHook('onClose', async () => load.close());
}
