import { type Caller, demandRight } from '../domain/caller.ts';
import { Refusal } from '../domain/error.ts';
import type { Audited } from './audit-trail.ts';
import type { Clock, Directory } from './ports.ts';

export interface ManageCallersDeps {
  readonly audited: Audited;
  readonly directory: Directory;
  readonly clock: Clock;
}

/**
 * What a caller with the right to manage may do about others: see and disable those that act for no
 * organization but its own. Making callers is the operator's: whoever could make one could make one
 * that sees numbers.
 */
export interface ManageCallers {
  /** @throws {Refusal} `RIGHT_MISSING` */
  list(caller: Caller, requestId: string): Promise<readonly Caller[]>;
  /** @throws {Refusal} `RIGHT_MISSING`, `CALLER_NOT_FOUND` */
  disable(caller: Caller, name: string, requestId: string): Promise<void>;
}

export function makeManageCallers({ audited, directory, clock }: ManageCallersDeps): ManageCallers {
  const managedBy = (caller: Caller): readonly Caller[] =>
    directory
      .listCallers()
      .filter(({ organizations }) =>
        [...organizations].every((each) => caller.organizations.has(each)),
      );

  return {
    list: (caller, requestId) =>
      audited({ who: `caller:${caller.id}`, requestId }, 'list_callers', async (trail) => {
        demandRight(caller, 'manage');
        await trail.commit([]);
        return managedBy(caller);
      }),

    async disable(caller, name, requestId) {
      const context = { who: `caller:${caller.id}`, requestId };
      await audited(context, 'disable_caller', async (trail) => {
        demandRight(caller, 'manage');
        const found = managedBy(caller).find((each) => each.name === name);
        if (found === undefined) throw new Refusal('CALLER_NOT_FOUND');
        trail.note({ callerId: found.id });
        const disable = {
          kind: 'disable_caller',
          callerId: found.id,
          atMs: clock.nowMs(),
        } as const;
        await trail.commit([disable, { kind: 'count_directory_up' }]);
      });
      await directory.refresh();
    },
  };
}
