import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RequestContext } from './audit-trail.ts';
import { makeCloseKey } from './close-key.ts';
import { type KeyAdminDeps, readSeries } from './key-admin-deps.ts';

export type RetireEpochs = (
  context: RequestContext,
  organization: OrganizationNumber,
) => Promise<readonly number[]>;

/**
 * Closes every epoch that only opens and that no card needs any more: from now on the tokens cards
 * had before they were retokenized are refused.
 *
 * @returns the epochs that were closed.
 */
export function makeRetireEpochs(deps: KeyAdminDeps): RetireEpochs {
  const closeKey = makeCloseKey(deps);
  return async (context, organization) => {
    const counts = await deps.jobs.countTokens(organization);
    const series = await readSeries(deps, organization, 'token');
    const unused = series.filter(
      ({ state, epoch }) => state === 'open-only' && (counts.get(epoch) ?? 0) === 0,
    );
    for (const { epoch } of unused) await closeKey(context, organization, epoch);
    return unused.map(({ epoch }) => epoch);
  };
}
