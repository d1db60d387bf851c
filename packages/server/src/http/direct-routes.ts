import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import proxyAddr from '@fastify/proxy-addr';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuditAction } from '../domain/audit-record.ts';
import type { Tracer } from '../usecase/trace-ports.ts';
import { headersOfAnswer, JSON_TYPE } from './answer-headers.ts';
import { check } from './check.ts';
import type { Holder, Load } from './load.ts';
import type { HttpMeter } from './meter.ts';
import type { Arrived } from './origin.ts';
import { keepRequester } from './requester.ts';
import { type Answer, formatHead, outcomeOf, type WholeRequest } from './whole/whole-exchange.ts';

/** What our own checks read of a request, whichever way it is answered. */
export type Asked = Pick<FastifyRequest, 'headers' | 'rawBody'> & Arrived;

/** A request of a direct route that has passed what is checked without leaving a trace. */
export interface Begun {
  /** `caller:<id>` or `merchant:<id>`. */
  readonly who: string;
  /** Does what is asked for. @returns the body of a 200. */
  answer(requestId: string): Promise<string>;
}

/** Answers on its own what it can; all else is left to Fastify's route of the same path. */
export interface DirectRoute {
  readonly url: string;
  readonly action: AuditAction;
  /**
   * Checks what can be checked without waiting and without leaving a trace. A signature, which leaves a
   * nonce, is for `answer`.
   *
   * @returns undefined for what is left to Fastify. So is whatever throws: it is refused there.
   */
  begin(request: Asked): Begun | undefined;
}

/** Answers whole requests of a few routes without Fastify: docs/adr/http-direct-routes.md. */
export interface DirectRoutes {
  add(route: DirectRoute): void;
  /**
   * @returns undefined: nothing was done, it is for Fastify. The promise is never rejected; it gives
   *   undefined when Fastify has to tell the outcome, which the request then carries.
   */
  answer(request: WholeRequest): Promise<Answer | undefined> | undefined;
  /** From now on all is left to Fastify. */
  close(): void;
}

export interface DirectRoutesDeps {
  readonly load: Load;
  readonly meter: HttpMeter;
  /** Undefined: nothing is traced. */
  readonly tracer: Tracer | undefined;
  /** Whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
}

/** A request under way. */
interface Under {
  readonly request: WholeRequest;
  readonly holder: Holder;
  /** By `performance.now()`. */
  readonly startedAt: number;
}

/** Several times what is sent to a direct route: reading what is longer, and refused, twice would cost. */
const BODY_BYTES_MAX = 1024;

/** As most clients spell it; other spellings are Fastify's to read. */
const JSON_TYPES: readonly unknown[] = ['application/json', JSON_TYPE];

export function makeDirectRoutes(deps: DirectRoutesDeps): DirectRoutes {
  const { load, meter, tracer, trustedProxies } = deps;
  const routes = new Map<string, DirectRoute>();
  const addressOf = makeAddressOf(trustedProxies);
  let isClosed = false;

  function finish(
    { url, action }: DirectRoute,
    { who, answer }: Begun,
    { request, holder, startedAt }: Under,
  ): Promise<Answer | undefined> {
    const requestId = randomUUID();
    tracer?.begin(requestId, request.headers.traceparent);
    return answer(requestId).then(
      (body) => {
        load.end(holder);
        meter.answered(action, 200, (performance.now() - startedAt) / 1000);
        tracer?.end(requestId, { method: request.method, route: url, action, status: 200 });
        return answerOf(body, requestId);
      },
      (reason) => {
        const error = reason instanceof Error ? reason : new Error('no error', { cause: reason });
        // It is under way until it has been told, and on record.
        const end = () => load.end(holder);
        request.outcome = { requestId, who, error, startedAt, end };
        return undefined;
      },
    );
  }

  return {
    add(route) {
      assert(!routes.has(route.url), 'a path has one route');
      routes.set(route.url, route);
    },
    answer(request) {
      const { url, headers, socket, body } = request;
      const route = routes.get(url);
      if (route === undefined || isClosed || load.isTooHigh()) return undefined;
      if (body.length > BODY_BYTES_MAX || !JSON_TYPES.includes(headers['content-type'])) {
        return undefined;
      }
      const startedAt = performance.now();
      let begun: Begun | undefined;
      try {
        begun = route.begin({ headers, rawBody: body, ip: addressOf(request), raw: { socket } });
      } catch {
        return undefined;
      }
      const holder = begun && takePlace(load, begun.who);
      return begun && holder && finish(route, begun, { request, holder, startedAt });
    },
    close() {
      isClosed = true;
    },
  };
}

const HEADERS = {
  'content-type': JSON_TYPE,
  ...headersOfAnswer('<id>'),
  'content-length': '<length>',
};
const [BEFORE_ID = '', BEFORE_LENGTH = '', LINE_END = ''] = formatHead(200, HEADERS, 0).split(
  /<\w+>/,
);

/** As Fastify's routes answer, with a head that is put together of what never changes. */
function answerOf(body: string, requestId: string): Answer {
  const contentLength = Buffer.byteLength(body);
  const head = BEFORE_ID + requestId + BEFORE_LENGTH + contentLength + LINE_END;
  return { head, body, contentLength, isLast: false };
}

/** @returns undefined when there is none, which Fastify's routes notice, too. */
function takePlace(load: Load, who: string): Holder | undefined {
  load.begin();
  const holder = load.hold(who);
  if (!load.isTooHigh() && !load.isOverShare(holder)) return holder;
  load.end(holder);
  return undefined;
}

/** The address of a request as Fastify has it. */
function makeAddressOf(trustedProxies: readonly string[]): (request: WholeRequest) => string {
  if (trustedProxies.length === 0) return ({ socket }) => socket.remoteAddress ?? '';
  const trust = proxyAddr.compile([...trustedProxies]);
  return (request) => proxyAddr(request as unknown as IncomingMessage, trust);
}

/**
 * Lets Fastify tell what became of the requests of direct routes that were not answered: in the form
 * of their face, on record, and counted as all others.
 */
export function tellOutcomes(app: FastifyInstance): void {
  app.addHook(
    'onRequest',
    check((request, reply) => {
      const outcome = outcomeOf(request.raw);
      if (outcome === undefined) return;
      reply.raw.on('close', outcome.end);
      keepRequester(request, outcome.who);
      throw outcome.error;
    }),
  );
}
