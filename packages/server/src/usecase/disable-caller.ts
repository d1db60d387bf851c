import type { Caller } from '../domain/caller.ts';
import { Refusal } from '../domain/error.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import type { Clock, Directory } from './ports.ts';

export interface DisableDeps {
  readonly audited: Audited;
  readonly directory: Directory;
  readonly clock: Clock;
}

export type DisableCaller = (context: RequestContext, name: string) => Promise<void>;

/**
 * Ends everything a caller has, for good: credentials, access tokens, certificates. Other nodes
 * notice as soon as they look at the version of the directory.
 *
 * @throws {Refusal} `CALLER_NOT_FOUND`
 */
export function makeDisableCaller({ audited, directory, clock }: DisableDeps): DisableCaller {
  return async (context, name) => {
    await audited(context, 'disable_caller', async (trail) => {
      const { id: callerId } = demandCaller(directory, name);
      trail.note({ callerId });
      const atMs = clock.nowMs();
      await trail.commit([
        { kind: 'disable_caller', callerId, atMs },
        { kind: 'count_directory_up' },
      ]);
    });
    await directory.refresh();
  };
}

/** @throws {Refusal} `CALLER_NOT_FOUND` */
export function demandCaller(directory: Directory, name: string): Caller {
  const caller = directory.listCallers().find((each) => each.name === name);
  if (caller === undefined) throw new Refusal('CALLER_NOT_FOUND');
  return caller;
}
