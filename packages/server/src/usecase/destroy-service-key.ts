import { Refusal } from '../domain/error.ts';
import { demandDataKeyDestroyable, type KeyEpoch } from '../domain/key-epoch.ts';
import type { RequestContext } from './audit-trail.ts';
import { changeKeys, readSeries } from './key-admin-deps.ts';
import { countOlderSeals, type RekeyedPurpose, type RekeyServiceDeps } from './rekey-service.ts';

export type DestroyServiceKey = (
  context: RequestContext,
  purpose: RekeyedPurpose,
  epoch: number,
) => Promise<void>;

/**
 * Destroys a key of the service that makes nothing any more: nothing is sealed under it, and the access
 * tokens it made have ended. Messages to it are not decrypted any more. A key of audit checkpoints
 * stays: its public half tells that older checkpoints are good.
 *
 * @throws {Refusal} `EPOCH_UNKNOWN`, `EPOCH_STATE`, `EPOCH_IN_USE`, `EPOCH_NOT_QUIET`
 */
export function makeDestroyServiceKey(deps: RekeyServiceDeps): DestroyServiceKey {
  return async (context, purpose, epoch) => {
    const series: readonly KeyEpoch[] = await readSeries(deps, undefined, purpose);
    if (purpose === 'audit') throw new Refusal('EPOCH_IN_USE', { epoch, by: 'older checkpoints' });
    const sealedCount = await countOlderSeals(deps, purpose);
    const nowMs = deps.clock.nowMs();
    // A quarter of an hour is also how long an access token lives.
    const { state } = demandDataKeyDestroyable(series, epoch, { nowMs, sealedCount });
    const name = { organization: undefined, purpose, epoch } as const;
    await changeKeys(deps, context, 'destroy_key', name, [
      { ...name, kind: 'set_key_state', from: state, to: 'destroyed', atMs: nowMs },
      { ...name, kind: 'delete_key' },
    ]);
  };
}
