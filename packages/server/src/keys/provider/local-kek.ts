import type { KeyObject } from 'node:crypto';
import type { Kek } from '../kek.ts';
import { open, seal } from '../seal.ts';

/**
 * A key-encryption key that is in the memory of this process: AES-256-GCM.
 *
 * @param check tells that its file is still there.
 */
export function makeLocalKek(key: KeyObject, check: () => void): Kek {
  return {
    wrap: async (attributes, bytes) => seal(key, attributes, bytes),
    unwrap: async (attributes, wrapped) => open(key, attributes, wrapped),
    check: async () => check(),
    close: async () => undefined,
  };
}
