import { Refusal } from '../domain/error.ts';
import { demandEpoch } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RequestContext } from './audit-trail.ts';
import { changeKeys, type KeyAdminDeps, readSeries } from './key-admin-deps.ts';

/** Wraps key bytes under a transport key that both sides have. */
export type WrapForTransport = (bytes: Uint8Array) => string;

export type ExportKey = (
  context: RequestContext,
  organization: OrganizationNumber,
  epoch: number,
  wrapForTransport: WrapForTransport,
) => Promise<{ readonly keyBlock: string; readonly checkValue: string }>;

/**
 * Gives a token key to somebody else, wrapped. There is no way to get one in clear. It is on record
 * before it leaves.
 *
 * @throws {Refusal} `EPOCH_UNKNOWN`, `EPOCH_STATE` when it is destroyed.
 */
export function makeExportKey(deps: KeyAdminDeps): ExportKey {
  return async (context, organization, epoch, wrapForTransport) => {
    const series = await readSeries(deps, organization, 'token');
    demandEpoch(series, epoch);
    const key = series.find((each) => each.epoch === epoch)?.key;
    if (key === undefined) throw new Refusal('EPOCH_STATE', { epoch, state: 'destroyed' });
    const bytes = await deps.keyring.revealTokenKey(key);
    const keyBlock = wrapForTransport(bytes);
    await changeKeys(deps, context, 'export_key', key, []);
    return { keyBlock, checkValue: key.checkValue };
  };
}
