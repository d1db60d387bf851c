import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../domain/caller.ts';
import { Refusal } from '../../domain/error.ts';
import type { Repeatable } from '../../usecase/answer-once.ts';
import { headerOf } from '../header.ts';
import { rawBodyOf } from '../raw-body.ts';

export type MakeRepeatable = (caller: Caller, key: string, text: string) => Repeatable;

const KEY_PATTERN = /^[\x21-\x7e]{1,255}$/;

/**
 * The `Idempotency-Key` of a call that creates, bound to all that it asks. `X-Client-Request-Id` is
 * not that: it is a nonce, and another one each time.
 *
 * @returns undefined when there is none. @throws {Refusal} `HEADER_INVALID`
 */
export function repeatableOf(
  request: FastifyRequest,
  caller: Caller,
  makeRepeatable: MakeRepeatable,
): Repeatable | undefined {
  const key = headerOf(request, 'idempotency-key');
  if (key === undefined) return undefined;
  if (!KEY_PATTERN.test(key)) throw new Refusal('HEADER_INVALID', { field: 'Idempotency-Key' });
  const body = Buffer.from(rawBodyOf(request)).toString('latin1');
  return makeRepeatable(caller, key, `${request.method} ${request.url}\n${body}`);
}
