import type { RequestContext } from './audit-trail.ts';
import { changeKeys, type KeyAdminDeps } from './key-admin-deps.ts';
import type { WrappedKey } from './ports.ts';

/** Takes keys out from under one key-encryption key and puts them under another. */
export interface KekChange {
  /** New keys are wrapped under it from now on. @throws when there is none of this id, or it is gone. */
  makeCurrent(kek: string): Promise<void>;
  rewrap(key: WrappedKey, kek: string): Promise<WrappedKey>;
}

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
  deps: Pick<KeyAdminDeps, 'audited' | 'keys' | 'keyring'> & { readonly kekChange: KekChange },
): RewrapKeys {
  const { keys, keyring, kekChange } = deps;
  return async (context, kek) => {
    await kekChange.makeCurrent(kek);
    let rewrappedCount = 0;
    for (const { key } of await keys.listKeys()) {
      if (key === undefined || key.kek === kek) continue;
      const rewrapped = await kekChange.rewrap(key, kek);
      await changeKeys(deps, context, 'rewrap_key', key, [
        { kind: 'rewrap_key', key: rewrapped, fromKek: key.kek },
      ]);
      rewrappedCount++;
    }
    await keyring.refresh();
    return { rewrappedCount };
  };
}
