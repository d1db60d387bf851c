import { Refusal } from '../domain/error.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import { demandCaller } from './disable-caller.ts';
import type { Clock, Credentials, Directory } from './ports.ts';
import { newCredential } from './register.ts';

export interface RotateCallerDeps {
  readonly audited: Audited;
  readonly directory: Directory;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

/** How many credentials of one caller are valid at once: the one it has, and the one it changes to. */
const VALID_MAX = 2;

export type RotateCaller = (
  context: RequestContext,
  name: string,
  overlapMs: number,
) => Promise<{ apikey: string; secret: string; oldEndsAtMs: number }>;

/**
 * Gives a caller a new credential. The one it has stays valid beside it for `overlapMs`, so that the
 * caller can change over without an interruption; 0 ends it at once, as after a theft.
 *
 * @throws {Refusal} `CALLER_NOT_FOUND`; `ROTATION_UNDER_WAY` when two are valid and there is an
 *   overlap: without one, all of the old ones end.
 */
export function makeRotateCaller(deps: RotateCallerDeps): RotateCaller {
  const { audited, directory, clock } = deps;
  return async (context, name, overlapMs) => {
    const answer = await audited(context, 'rotate_caller', async (trail) => {
      const caller = demandCaller(directory, name);
      trail.note({ callerId: caller.id });
      const nowMs = clock.nowMs();
      const valid = directory
        .listCredentials(caller.id)
        .filter(({ expiresAtMs }) => expiresAtMs === undefined || expiresAtMs > nowMs);
      if (overlapMs > 0 && valid.length >= VALID_MAX) throw new Refusal('ROTATION_UNDER_WAY');
      const oldEndsAtMs = nowMs + overlapMs;
      const { registered, apikey, secret } = newCredential(deps, caller);
      await trail.commit([
        ...valid.map(({ apikeyDigest }) => {
          const atMs = oldEndsAtMs;
          return { kind: 'end_credential', callerId: caller.id, apikeyDigest, atMs } as const;
        }),
        { kind: 'add_credential', registered },
        { kind: 'count_directory_up' },
      ]);
      return { apikey, secret, oldEndsAtMs };
    });
    await directory.refresh();
    return answer;
  };
}
