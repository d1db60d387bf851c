import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
} from 'fastify';

/**
 * A hook that refuses by throwing and waits for nothing. As an async function it would cost a promise
 * and a turn of the queue at each request.
 */
export function check(look: (request: FastifyRequest, reply: FastifyReply) => void) {
  return function hook(
    this: FastifyInstance,
    request: FastifyRequest,
    reply: FastifyReply,
    done: HookHandlerDoneFunction,
  ): void {
    try {
      look(request, reply);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  };
}
