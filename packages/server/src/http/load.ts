import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Refusal } from '../domain/error.ts';

/** The event loop is late by so much when it has more to do than it can. */
const DELAY_MAX_MS = 500;

/** A late event loop is noticed after this, and its recovery too. */
const LOOK_EVERY_MS = 250;

const NANOSECONDS = 1e6;

/**
 * Sheds load before the event loop drowns: 503 with Retry-After, before anything is read, looked up or
 * decrypted, when too many requests are under way or the loop runs late.
 *
 * @param isExempt paths that have to be answered all the same, such as those of health checks.
 */
export function shedLoad(
  app: FastifyInstance,
  requestsMax: number,
  isExempt: (path: string) => boolean = () => false,
): void {
  let underWay = 0;
  let isLate = false;
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const timer = setInterval(() => {
    // The median: one long pause is a garbage collection, half of them is overload.
    isLate = delay.percentile(50) / NANOSECONDS > DELAY_MAX_MS;
    delay.reset();
  }, LOOK_EVERY_MS).unref();

  app.addHook('onRequest', async (request, reply) => {
    underWay++;
    whenOver(reply, () => underWay--);
    if ((underWay > requestsMax || isLate) && !isExempt(request.url)) throw new Refusal('TOO_BUSY');
  });
  app.addHook('onClose', async () => {
    clearInterval(timer);
    delay.disable();
  });
}

/** Once, when an answer has been sent or nobody is there any more to take it. */
function whenOver(reply: FastifyReply, act: () => void): void {
  let isOver = false;
  const end = () => {
    if (!isOver) act();
    isOver = true;
  };
  reply.raw.once('finish', end).once('close', end);
}
