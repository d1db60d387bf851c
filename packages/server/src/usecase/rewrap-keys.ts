import type { RequestContext } from './audit-trail.ts';
import { type KekRegister, makeChangeKeks } from './change-keks.ts';
import { changeKeys, type KeyAdminDeps } from './key-admin-deps.ts';

export type RewrapKeys = (
  context: RequestContext,
  kek: string,
) => Promise<{ readonly rewrappedCount: number }>;

/**
 * Puts every key under another key-encryption key, while the service goes on: nodes read the keys
 * anew and get them from either. Interrupted, it goes on with the keys that are left.
 *
 * @throws {Refusal} `KEY_DAMAGED`
 * @throws {Error} when a provider is gone.
 */
export function makeRewrapKeys(
  deps: Pick<KeyAdminDeps, 'audited' | 'keys' | 'keyring'> & { readonly keks: KekRegister },
): RewrapKeys {
  const { keys, keyring, keks } = deps;
  const { select } = makeChangeKeks(deps);
  return async (context, kek) => {
    await select(context, kek);
    let rewrappedCount = 0;
    for (const { key } of await keys.listKeys()) {
      if (key === undefined || key.kek === kek) continue;
      const rewrapped = await keks.rewrap(key, kek);
      await changeKeys(deps, context, 'rewrap_key', key, [
        { kind: 'rewrap_key', key: rewrapped, fromKek: key.kek },
      ]);
      rewrappedCount++;
    }
    await keyring.refresh();
    return { rewrappedCount };
  };
}
