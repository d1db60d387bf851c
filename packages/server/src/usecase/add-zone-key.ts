import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import { demandRecord } from './find-number.ts';
import { addKey } from './key-changes.ts';
import type { Change, Directory, ZoneKeys } from './ports.ts';

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
 * @throws {Refusal} `ORGANIZATION_RECORD_MISSING`, `REQUEST_INVALID`, `KEY_JOB_UNDER_WAY`
 */
export function makeAddZoneKey({ audited, directory, zoneKeys }: AddZoneKeyDeps): AddZoneKey {
  return async (context, organization, bytes) => {
    const answer = await audited(context, 'add_zone_key', async (trail) => {
      trail.note({ organization });
      demandRecord(directory, organization);
      const made = await zoneKeys.newKey(organization, bytes);
      await trail.demandCommit(
        [...retire(made), ...addKey(made.key, 'active'), { kind: 'count_directory_up' }],
        'KEY_JOB_UNDER_WAY',
      );
      return { epoch: made.key.epoch, bytes: made.bytes };
    });
    await zoneKeys.refresh();
    return answer;
  };
}

/** The key before only opens, and the one before that not even this. */
function retire({ key, before }: Awaited<ReturnType<ZoneKeys['newKey']>>): readonly Change[] {
  const [newest, second] = before;
  const { organization, purpose, createdAtMs: atMs } = key;
  const at = { kind: 'set_key_state', organization, purpose, atMs } as const;
  const changes: Change[] = [];
  if (second !== undefined) {
    changes.push({ ...at, epoch: second, from: 'open-only', to: 'closed' });
  }
  if (newest !== undefined) changes.push({ ...at, epoch: newest, from: 'active', to: 'open-only' });
  return changes;
}
