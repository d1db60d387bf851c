import { demandDataKeyDestroyable, demandDestroyable } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RequestContext } from './audit-trail.ts';
import { changeKeys, type KeyAdminDeps, readSeries } from './key-admin-deps.ts';

export interface DestroyKeyRequest {
  readonly organization: OrganizationNumber;
  /** Index keys are destroyed by the job that replaces them. */
  readonly purpose: 'token' | 'data';
  readonly epoch: number;
  /** Token keys: days it must have been closed with none of its tokens seen; 0 overrides. */
  readonly quietDays: number;
}

export type DestroyKey = (context: RequestContext, request: DestroyKeyRequest) => Promise<void>;

/**
 * Destroys a key: its wrapped bytes are deleted, and what only it could open is lost for good. That
 * it was there stays on record, so that its tokens can be told what became of them.
 *
 * @throws {Refusal} `EPOCH_UNKNOWN`, `EPOCH_STATE`, `EPOCH_IN_USE`, `EPOCH_NOT_QUIET`
 */
export function makeDestroyKey(deps: KeyAdminDeps): DestroyKey {
  return async (context, { organization, purpose, epoch, quietDays }) => {
    const series = await readSeries(deps, organization, purpose);
    const nowMs = deps.clock.nowMs();
    const { state } =
      purpose === 'token'
        ? demandDestroyable(series, epoch, {
            nowMs,
            quietDays,
            cardCount: (await deps.jobs.countTokens(organization)).get(epoch) ?? 0,
          })
        : demandDataKeyDestroyable(series, epoch, {
            nowMs,
            sealedCount:
              ((await deps.jobs.countSealed(organization)).get(epoch) ?? 0) +
              ((await deps.jobs.countAnswers(organization)).get(epoch) ?? 0),
          });
    const name = { organization, purpose, epoch } as const;
    await changeKeys(deps, context, 'destroy_key', name, [
      { ...name, kind: 'set_key_state', from: state, to: 'destroyed', atMs: nowMs },
      { ...name, kind: 'delete_key' },
    ]);
    await deps.keyring.refresh();
  };
}
