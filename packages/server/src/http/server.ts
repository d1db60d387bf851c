import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import type { AuditAction } from '../domain/audit-record.ts';
import { REFUSALS, Refusal } from '../domain/error.ts';
import type { RecordRefusal } from '../usecase/record-refusal.ts';
import type { Tracer } from '../usecase/trace-ports.ts';
import { headersOfAnswer } from './answer-headers.ts';
import { type CardtokensDeps, registerCardtokens } from './cardtokens/cardtokens.ts';
import { cardtokensFace } from './cardtokens/error.ts';
import { check } from './check.ts';
import { type DirectRoutes, makeDirectRoutes, tellOutcomes } from './direct-routes.ts';
import type { Face } from './face.ts';
import { firstVisionFace } from './firstvision/error.ts';
import { type FirstVisionDeps, registerFirstVision } from './firstvision/firstvision.ts';
import { parseJsonBody } from './json-body.ts';
import { makeLoad, shedLoad } from './load.ts';
import type { HttpMeter } from './meter.ts';
import { openServer } from './open-server.ts';
import { registerOpenapi } from './openapi.ts';
import { problemFace } from './problem.ts';
import { decorateWithRawBody, keepRawBody } from './raw-body.ts';
import { makeRefusalCounter, type RefusalCounter } from './refusal-counter.ts';
import { refusalOfError } from './refusal-of-error.ts';
import { decorateWithRequester, requesterOf } from './requester.ts';
import { traceRequests } from './tracing.ts';
import type { Transport } from './transport.ts';
import { registerV1, type V1Deps } from './v1/v1.ts';
import { outcomeOf } from './whole/whole-exchange.ts';

export interface ServerDeps {
  readonly firstVision: FirstVisionDeps;
  readonly cardtokens: CardtokensDeps;
  readonly transport: Transport;
  readonly v1: V1Deps;
  readonly recordRefusal: RecordRefusal;
  readonly log: FastifyBaseLogger;
  readonly meter: HttpMeter;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
}

/** No request of ours comes near it; mass calls of later faces are bounded by it, too. */
const BODY_BYTES_MAX = 1024 * 1024;

/** How long requests under way are waited for when the service stops; then they are cut off. */
const CLOSE_GRACE_MS = 5_000;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a refusal of this route is recorded as. */
    auditAction?: AuditAction;
  }
}

/** The last face serves whatever the others do not. */
const FACES: readonly Face[] = [firstVisionFace, cardtokensFace, problemFace];

const COUNT_EVERY_MS = 60_000;

const URL_LENGTH_MAX = 1024;

/** The HTTP server with all of its faces. It listens when told to. */
export function buildServer(deps: ServerDeps): FastifyInstance {
  const { firstVision, cardtokens, v1, transport, log, meter, tracer } = deps;
  const load = makeLoad(transport.requestsMax);
  const { trustedProxies } = transport;
  const direct = makeDirectRoutes({ load, meter, tracer, trustedProxies });
  const app = openApp(transport, log, direct);
  const counter = makeRefusalCounter();
  app.addHook('onResponse', (request, reply, done) => {
    const { auditAction = 'other' } = request.routeOptions.config;
    const outcome = outcomeOf(request.raw);
    const tookMs = outcome ? performance.now() - outcome.startedAt : reply.elapsedTime;
    meter.answered(auditAction, reply.statusCode, tookMs / 1000);
    done();
  });
  traceRequests(app, tracer);
  decorateWithRequester(app);
  tellOutcomes(app);
  takeBodies(app);
  hardenAnswers(app, direct);
  app.setErrorHandler(async (error, request, reply) => {
    const recorded = await account(error, request, deps, counter);
    if (recorded instanceof Refusal) {
      meter.refused(recorded.code);
      tracer?.refused(request.id, recorded.code);
    }
    return answerError(recorded, request, reply);
  });
  shedLoad(app, load);
  limitUrls(app);
  app.setNotFoundHandler(() => {
    throw new Refusal('ROUTE_UNKNOWN');
  });
  reportCounts(app, counter);
  registerOpenapi(app);
  registerFirstVision(app, firstVision, direct);
  registerCardtokens(app, cardtokens);
  registerV1(app, v1);
  return app;
}

function openApp(
  transport: Transport,
  log: FastifyBaseLogger,
  direct: DirectRoutes,
): FastifyInstance {
  const { trustedProxies } = transport;
  const options: FastifyServerOptions = {
    loggerInstance: log,
    // A logger of its own for each request costs more than all look-ups; lines name the request.
    childLoggerFactory: (logger) => logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (raw) => outcomeOf(raw)?.requestId ?? randomUUID(),
    requestIdHeader: false,
    bodyLimit: BODY_BYTES_MAX,
    serverFactory: (handle) => openServer(transport, handle, direct),
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    forceCloseConnections: 'idle',
    // What still comes on an open connection is answered in the form of its face, and the connection ends.
    return503OnClosing: false,
    // Its defaults would drop unknown fields and turn numbers into strings without a word.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
    clientErrorHandler: answerBrokenHttp,
    frameworkErrors: (error, request, reply) => answerError(error, request, reply),
  };
  return fastify(options);
}

/**
 * Nothing of ours is long, and what is long may be a card number. What is sent to nowhere is refused
 * before its body is read.
 */
function limitUrls(app: FastifyInstance): void {
  app.addHook(
    'onRequest',
    check((request) => {
      if (request.url.length > URL_LENGTH_MAX) throw new Refusal('URL_TOO_LONG');
      if (!request.is404) return;
      throw new Refusal(isOtherMethod(app, request) ? 'METHOD_NOT_ALLOWED' : 'ROUTE_UNKNOWN');
    }),
  );
}

type BodyDone = (error: Error | null, body?: unknown) => void;

/** Bodies are JSON, or the form of `POST /token`; both keep their bytes for signatures. */
function takeBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  decorateWithRawBody(app);
  const parse = (request: FastifyRequest, body: Buffer, done: BodyDone) => {
    keepRawBody(request, body);
    // Some clients name a content type whatever they send; what is deleted has no body.
    const isNothing = request.method === 'DELETE' && body.length === 0;
    let value: unknown;
    try {
      value = isNothing ? undefined : parseJsonBody(body);
    } catch (error) {
      done(error as Error);
      return;
    }
    done(null, value);
  };
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, parse);
}

/** Nothing we answer may be stored on the way; while closing, clients are told to go elsewhere. */
function hardenAnswers(app: FastifyInstance, direct: DirectRoutes): void {
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
    direct.close();
    // A client that has sent half a request, or nothing yet, would keep us for ever.
    setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS).unref();
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    reply.headers(headersOfAnswer(request.id));
    if (isClosing) reply.header('connection', 'close');
    done();
  });
}

/**
 * Every refusal is on record or counted: recorded where we know who asked, counted where not.
 *
 * @returns the error to answer with: another one when it could not be recorded.
 */
async function account(
  error: unknown,
  request: FastifyRequest,
  { recordRefusal }: ServerDeps,
  counter: RefusalCounter,
): Promise<unknown> {
  const refusal = refusalOfError(error, request);
  if (refusal === undefined) return error;
  const who = requesterOf(request);
  const action = request.routeOptions.config.auditAction;
  if (who === undefined || action === undefined) {
    counter.count(refusal.code);
    return refusal;
  }
  try {
    await recordRefusal({ who, requestId: request.id }, action, refusal);
    return refusal;
  } catch (notRecorded) {
    return notRecorded;
  }
}

/** The only place that turns an error into an answer. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.headers(headersOfAnswer(request.id));
  // The route, not the path as it was spelt: `/%63ards/...` is of the face it was routed to.
  const path = request.routeOptions.url ?? request.url.split('?')[0] ?? '';
  const face = FACES.find((each) => each.serves(path)) ?? problemFace;
  const refusal = refusalOfError(error, request);
  if (refusal === undefined) {
    request.log.error({ err: error, requestId: request.id }, 'unexpected error');
    return face.sendInternal(request.id, reply);
  }
  const { code, kind, facts } = refusal;
  if (kind === 'unauthenticated') {
    request.log.debug({ code, err: refusal.cause, requestId: request.id }, refusal.message);
  }
  if (kind === 'unavailable') {
    reply.header('retry-after', '1');
    const line = { code, facts, err: refusal.cause, requestId: request.id };
    // What is shed before anybody is known is counted: a line for each would let anyone fill the log.
    const isCounted = code === 'TOO_BUSY' && requesterOf(request) === undefined;
    if (!isCounted) request.log.error(line, refusal.message);
  }
  if (typeof facts.retryAfterSeconds === 'number') {
    reply.header('retry-after', String(facts.retryAfterSeconds));
  }
  return face.sendRefusal(refusal, path, reply);
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const;

function isOtherMethod(app: FastifyInstance, request: FastifyRequest): boolean {
  const [url = ''] = request.url.split('?');
  return METHODS.some((method) => app.hasRoute({ method, url }));
}

const STATUS_OF_BROKEN_HTTP: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
};

/** What is not even HTTP has no path, so no face; it gets a problem, and no word of what it was. */
function answerBrokenHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const [status, reason] = STATUS_OF_BROKEN_HTTP[error.code ?? ''] ?? [400, 'Bad Request'];
  const code = status === 408 ? 'REQUEST_TIMEOUT' : 'HTTP_MALFORMED';
  const { title } = REFUSALS[code];
  const body = JSON.stringify({ title, status, code, facts: {} });
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function reportCounts(app: FastifyInstance, counter: RefusalCounter): void {
  const report = () => {
    const counts = counter.take();
    if (counts !== undefined) app.log.warn({ counts }, 'refused requests');
  };
  const timer = setInterval(report, COUNT_EVERY_MS).unref();
  app.addHook('onClose', async () => {
    clearInterval(timer);
    report();
  });
}
