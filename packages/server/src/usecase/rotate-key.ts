import { activeEpoch, planRotation } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RequestContext } from './audit-trail.ts';
import { demandRecord } from './find-number.ts';
import {
  activateKey,
  addWaitingKey,
  type KeyAdminDeps,
  readSeries,
  SETTLE_MS,
} from './key-admin-deps.ts';

export type RotateKey = (
  context: RequestContext,
  organization: OrganizationNumber,
) => Promise<{ readonly epoch: number; readonly before: number }>;

/**
 * Makes the next token key of an organization the one that makes new tokens. Old tokens open as
 * before, and cards keep the tokens they have.
 *
 * The new key is stored as pre-active and given time to reach every node: a token of it may come
 * back through any of them the moment it is made. Interrupted in between, it waits; the next rotation
 * goes on with it.
 *
 * @throws {Refusal} `ORGANIZATION_RECORD_MISSING`, `EPOCH_MARK_TAKEN`, `KEY_JOB_UNDER_WAY`
 */
export function makeRotateKey(deps: KeyAdminDeps): RotateKey {
  return async (context, organization) => {
    const { formats } = demandRecord(deps.directory, organization);
    const series = await readSeries(deps, organization, 'token');
    const { epoch, isNew } = planRotation(series, formats);
    const name = { organization, purpose: 'token', epoch } as const;
    if (isNew) await addWaitingKey(deps, context, name);
    await deps.pause(SETTLE_MS);
    const before = activeEpoch(series);
    await activateKey(deps, context, before, name);
    return { epoch, before: before.epoch };
  };
}
