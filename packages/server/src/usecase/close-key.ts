import { demandClosable } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RequestContext } from './audit-trail.ts';
import { changeKeys, type KeyAdminDeps, readSeries } from './key-admin-deps.ts';

export type CloseKey = (
  context: RequestContext,
  organization: OrganizationNumber,
  epoch: number,
) => Promise<{ readonly cardCount: number }>;

/**
 * Closes a token key: its tokens are refused from now on, and each one seen is counted.
 *
 * @returns how many cards have their current token from it: they are found by their number only.
 * @throws {Refusal} `EPOCH_UNKNOWN`, `EPOCH_STATE` unless it is open-only.
 */
export function makeCloseKey(deps: KeyAdminDeps): CloseKey {
  return async (context, organization, epoch) => {
    demandClosable(await readSeries(deps, organization, 'token'), epoch);
    const name = { organization, purpose: 'token', epoch } as const;
    const atMs = deps.clock.nowMs();
    await changeKeys(deps, context, 'close_key', name, [
      { ...name, kind: 'set_key_state', from: 'open-only', to: 'closed', atMs },
    ]);
    await deps.keyring.refresh();
    return { cardCount: (await deps.jobs.countTokens(organization)).get(epoch) ?? 0 };
  };
}
