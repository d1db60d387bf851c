import type { FastifyInstance } from 'fastify';
import type { Tracer } from '../usecase/trace-ports.ts';
import { outcomeOf } from './whole/whole-exchange.ts';

/** Makes a span of each request; nothing at all where no tracer is configured. */
export function traceRequests(app: FastifyInstance, tracer: Tracer | undefined): void {
  if (tracer === undefined) return;
  app.addHook('onRequest', (request, reply, done) => {
    const { traceparent } = request.headers;
    const isTold = outcomeOf(request.raw) !== undefined; // Its trace has begun.
    if (!isTold)
      tracer.begin(request.id, typeof traceparent === 'string' ? traceparent : undefined);
    // Comes once, when the answer has been sent or nobody is there any more to take it.
    reply.raw.once('close', () => {
      const { url: route, config } = request.routeOptions;
      const action = config.auditAction;
      tracer.end(request.id, { method: request.method, route, action, status: reply.statusCode });
    });
    done();
  });
}
