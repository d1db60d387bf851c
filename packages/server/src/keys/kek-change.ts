import { dirname, resolve } from 'node:path';
import type { KekChange } from '../usecase/rewrap-keys.ts';
import {
  type Custody,
  type CustodySettings,
  PROVIDERS,
  parseKekSettings,
  readCustodyFile,
  replaceCustodyFile,
} from './custody.ts';
import type { KekSettings } from './kek.ts';
import type { KeyWrapper } from './key-wrapper.ts';

/** The file of the key-encryption keys, changed by an operator. Nodes read it again by themselves. */
export interface KekRegister extends KekChange {
  settings(): CustodySettings;
  /**
   * Adds a key-encryption key; nothing is wrapped under it yet.
   *
   * @param howToGet `create` makes the key where it is to be kept; `use` takes the one that is there.
   * @throws {Error} when the settings are not understood, the id is taken, or it cannot be opened.
   */
  add(settings: KekSettings, howToGet: 'create' | 'use'): Promise<void>;
  /** Forgets a key-encryption key. @param inUse the ids that wrapped keys name. @throws {Error} */
  remove(id: string, inUse: ReadonlySet<string>): void;
}

export function makeKekRegister(path: string, custody: Custody, wrapper: KeyWrapper): KekRegister {
  const folder = dirname(resolve(path));
  return {
    settings: () => readCustodyFile(path),

    async add(given, howToGet) {
      const settings = parseKekSettings(given);
      const before = readCustodyFile(path);
      if (before.keyEncryptionKeys.some(({ id }) => id === settings.id)) {
        throw new Error(`there is a key-encryption key ${settings.id} already`);
      }
      const provider = PROVIDERS[settings.provider];
      if (howToGet === 'create') await provider.create(settings, folder);
      const kek = await provider.open(settings, folder);
      await kek.check();
      await kek.close();
      const keyEncryptionKeys = [...before.keyEncryptionKeys, settings];
      replaceCustodyFile(path, { ...before, keyEncryptionKeys });
    },

    remove(id, inUse) {
      const before = readCustodyFile(path);
      if (before.current === id) throw new Error(`${id} is the current key-encryption key`);
      if (inUse.has(id)) throw new Error(`keys are wrapped under ${id}: re-wrap them first`);
      const keyEncryptionKeys = before.keyEncryptionKeys.filter((each) => each.id !== id);
      replaceCustodyFile(path, { ...before, keyEncryptionKeys });
    },

    async makeCurrent(id) {
      await (await custody.kek(id)).check();
      const before = readCustodyFile(path);
      if (before.current !== id) replaceCustodyFile(path, { ...before, current: id });
    },

    rewrap: (key, kek) => wrapper.rewrap(key, kek),
  };
}
