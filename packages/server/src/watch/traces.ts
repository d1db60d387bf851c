/**
 * Traces for an OpenTelemetry collector: spans in OTLP/HTTP with JSON, put together here. The packages
 * of OpenTelemetry for this one POST are eleven, 27 MB (docs/adr/callers-traces.md).
 *
 * @module
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import { randomBytes } from 'node:crypto';
import type { Tracer } from '../usecase/trace-ports.ts';
import type { Webhook } from './webhook.ts';

/**
 * The attributes a span may have, and the form each must be of: names of ours and a status. What is
 * not here cannot be sent.
 */
const ATTRIBUTES = {
  'http.request.method': /^[A-Z]{3,7}$/,
  'http.route': /^(?:\/[A-Za-z:{}.-]{0,40}[0-9]?[a-z]{0,8}[0-9]?){1,6}$/,
  'http.response.status_code': /^[1-5][0-9]{2}$/,
  'pantoken.action': /^[a-z_]{1,40}$/,
  'pantoken.outcome': /^[a-z_]{1,20}$/,
  'pantoken.refusal': /^[A-Z0-9_]{1,60}$/,
} as const;

export type SpanAttributes = Partial<Record<keyof typeof ATTRIBUTES, string | number | undefined>>;

export interface TracesDeps {
  readonly collector: Webhook;
  /** What this node is called. */
  readonly node: string;
  /** Of a hundred requests so many have a trace. */
  readonly percent: number;
  /** Told how many spans were given up, because the collector did not take them. */
  dropped(count: number): void;
}

export interface Traces extends Tracer {
  /** Resolves when what is waiting has been sent or given up. */
  close(): Promise<void>;
}

const SEND_EVERY_MS = 1_000;
const BATCH_MAX = 512;

/** So many spans wait, some 2 MB; more are given up. Answers never wait for a collector. */
const WAITING_MAX = 4_096;

const KIND_INTERNAL = 1;
const KIND_SERVER = 2;
const STATUS_ERROR = 2;

interface OpenTrace {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly startMs: number;
  refusal: string | undefined;
}

export function makeTraces({ collector, node, percent, dropped }: TracesDeps): Traces {
  const open = new Map<string, OpenTrace>();
  let waiting: object[] = [];
  let underWay: Promise<void> = Promise.resolve();

  function add(span: object): void {
    if (waiting.length < WAITING_MAX) waiting.push(span);
    else dropped(1);
  }

  async function send(): Promise<void> {
    while (waiting.length > 0) {
      const spans = waiting.slice(0, BATCH_MAX);
      waiting = waiting.slice(BATCH_MAX);
      try {
        await collector.post('application/json', JSON.stringify(requestOf(node, spans)));
      } catch {
        dropped(spans.length);
        return; // The next round tries again with the rest.
      }
    }
  }

  const sendLater = () => {
    underWay = underWay.then(send);
    return underWay;
  };
  const timer = setInterval(() => void sendLater(), SEND_EVERY_MS).unref();

  return {
    begin(requestId, traceparent) {
      if (Math.random() * 100 >= percent) return;
      const parent = parentOf(traceparent);
      open.set(requestId, {
        traceId: parent?.traceId ?? newId(16),
        spanId: newId(8),
        parentSpanId: parent?.spanId,
        startMs: nowMs(),
        refusal: undefined,
      });
    },
    refused(requestId, code) {
      const trace = open.get(requestId);
      if (trace !== undefined) trace.refusal = code;
    },
    end(requestId, { method, route, action, status }) {
      const trace = open.get(requestId);
      if (trace === undefined) return;
      open.delete(requestId);
      const { traceId, spanId, parentSpanId, startMs, refusal } = trace;
      add({
        ...{ traceId, spanId, ...(parentSpanId !== undefined && { parentSpanId }) },
        ...timed(startMs, nowMs()),
        name: `${method} ${allowed('http.route', route) ?? 'other'}`,
        kind: KIND_SERVER,
        attributes: attributesOf({
          'http.request.method': method,
          'http.route': route,
          'http.response.status_code': status,
          'pantoken.action': action,
          'pantoken.refusal': refusal,
        }),
        ...(status >= 500 && { status: { code: STATUS_ERROR } }),
      });
    },
    isTraced: (requestId) => open.has(requestId),
    inner(requestId, startMs, { action, outcome }) {
      const trace = open.get(requestId);
      if (trace === undefined) return;
      add({
        ...{ traceId: trace.traceId, spanId: newId(8), parentSpanId: trace.spanId },
        ...timed(startMs, nowMs()),
        name: 'commit',
        kind: KIND_INTERNAL,
        attributes: attributesOf({ 'pantoken.action': action, 'pantoken.outcome': outcome }),
      });
    },
    nowMs,
    async close() {
      clearInterval(timer);
      await sendLater();
    },
  };
}

/** With fractions. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function timed(startMs: number, endMs: number) {
  const nanoseconds = (ms: number) => String(BigInt(Math.round(ms * 1_000)) * 1_000n);
  return { startTimeUnixNano: nanoseconds(startMs), endTimeUnixNano: nanoseconds(endMs) };
}

function allowed(
  name: keyof typeof ATTRIBUTES,
  value: string | number | undefined,
): string | undefined {
  if (value === undefined) return undefined;
  const text = String(value);
  return ATTRIBUTES[name].test(text) ? text : undefined;
}

function attributesOf(given: SpanAttributes): object[] {
  return (Object.keys(ATTRIBUTES) as (keyof typeof ATTRIBUTES)[]).flatMap((key) => {
    const text = allowed(key, given[key]);
    if (text === undefined) return [];
    // OTLP in JSON: 64-bit integers are strings.
    const value = typeof given[key] === 'number' ? { intValue: text } : { stringValue: text };
    return [{ key, value }];
  });
}

function requestOf(node: string, spans: readonly object[]): object {
  const resource = [
    { key: 'service.name', value: { stringValue: 'pantoken' } },
    { key: 'service.instance.id', value: { stringValue: node } },
  ];
  return {
    resourceSpans: [
      {
        resource: { attributes: resource },
        scopeSpans: [{ scope: { name: 'pantoken' }, spans }],
      },
    ],
  };
}

/** Digits in a row from here on could be a card number, also in an id. */
const NUMBER_LIKE = /[0-9]{12}/;

/** Drawn again when it could be taken for a card number. */
function newId(byteCount: number): string {
  for (;;) {
    const id = randomBytes(byteCount).toString('hex');
    if (!NUMBER_LIKE.test(id) && /[1-9a-f]/.test(id)) return id;
  }
}

/**
 * The trace a request belongs to (W3C Trace Context, 3.2), so that it can be followed through a
 * client. Its ids are the client's to choose: those that could hold a card number are not taken.
 */
function parentOf(
  traceparent: string | undefined,
): { traceId: string; spanId: string } | undefined {
  const [, traceId, spanId] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  const isNothing = /^0+$/.test(traceId) || /^0+$/.test(spanId);
  const isSuspect = NUMBER_LIKE.test(traceId) || NUMBER_LIKE.test(spanId);
  return isNothing || isSuspect ? undefined : { traceId, spanId };
}
