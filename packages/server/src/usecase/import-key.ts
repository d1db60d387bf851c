import { Refusal } from '../domain/error.ts';
import { planRotation } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RequestContext } from './audit-trail.ts';
import { demandRecord } from './find-number.ts';
import { changeKeys, type KeyAdminDeps, readSeries } from './key-admin-deps.ts';
import { addKey } from './key-changes.ts';

export type ImportKey = (
  context: RequestContext,
  organization: OrganizationNumber,
  bytes: Uint8Array,
) => Promise<{ readonly epoch: number; readonly checkValue: string }>;

const KEY_BYTES = 32;

/**
 * Takes a key from outside as the next token key of an organization. It waits as pre-active until it
 * is rotated to.
 *
 * @throws {Refusal} `KEY_INPUT_INVALID` for what is no key of 256 bits or plainly not random,
 *   `KEY_EXISTS` in any organization, `EPOCH_MARK_TAKEN`, `EPOCH_STATE` when one waits already.
 */
export function makeImportKey(deps: KeyAdminDeps): ImportKey {
  return async (context, organization, bytes) => {
    const { formats } = demandRecord(deps.directory, organization);
    demandKeyBytes(bytes);
    const { epoch, isNew } = planRotation(await readSeries(deps, organization, 'token'), formats);
    if (!isNew) throw new Refusal('EPOCH_STATE', { epoch, state: 'pre-active' });
    const name = { organization, purpose: 'token', epoch } as const;
    const key = await deps.keyring.newKey(name, bytes);
    const { checkValue } = key;
    const all = await deps.keys.listKeys();
    if (all.some((each) => each.purpose === 'token' && each.key?.checkValue === checkValue)) {
      throw new Refusal('KEY_EXISTS', { checkValue });
    }
    await changeKeys(deps, context, 'import_key', name, addKey(key, 'pre-active'));
    await deps.keyring.refresh();
    return { epoch, checkValue };
  };
}

/** @throws {Refusal} `KEY_INPUT_INVALID` */
function demandKeyBytes(bytes: Uint8Array): void {
  if (bytes.length !== KEY_BYTES) {
    throw new Refusal('KEY_INPUT_INVALID', { reason: 'a token key has 32 bytes' });
  }
  // Of 32 random bytes fewer than 16 are different in one of some 3 * 10 ** 16 keys.
  if (new Set(bytes).size < 16) {
    throw new Refusal('KEY_INPUT_INVALID', { reason: 'this is not a random key' });
  }
}
