import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import { demandRecord } from './find-number.ts';
import type { Directory, ZoneKeys } from './ports.ts';

export interface AddZoneKeyDeps {
  readonly audited: Audited;
  readonly directory: Directory;
  readonly zoneKeys: ZoneKeys;
}

export type AddZoneKey = (
  context: RequestContext,
  organization: OrganizationNumber,
  bytes?: Uint8Array,
) => Promise<{ readonly epoch: number; readonly bytes: Uint8Array }>;

/**
 * Gives an organization a zone key, or its next one; the one before still opens what is sent.
 *
 * @param bytes 32 bytes the organization gave; left out: drawn here.
 * @returns its bytes, to be shown once.
 * @throws {Refusal} `ORGANIZATION_RECORD_MISSING`, `REQUEST_INVALID`
 */
export function makeAddZoneKey({ audited, directory, zoneKeys }: AddZoneKeyDeps): AddZoneKey {
  return async (context, organization, bytes) => {
    const answer = await audited(context, 'add_zone_key', async (trail) => {
      trail.note({ organization });
      demandRecord(directory, organization);
      const made = zoneKeys.newKey(organization, bytes);
      await trail.commit([{ kind: 'add_key', key: made.key }, { kind: 'count_directory_up' }]);
      return { epoch: made.key.epoch, bytes: made.bytes };
    });
    await zoneKeys.refresh();
    return answer;
  };
}
