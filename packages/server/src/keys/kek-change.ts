import { dirname, resolve } from 'node:path';
import type { KekRegister } from '../usecase/change-keks.ts';
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
export interface KekFile extends KekRegister {
  settings(): CustodySettings;
}

export function makeKekFile(path: string, custody: Custody, wrapper: KeyWrapper): KekFile {
  const folder = dirname(resolve(path));
  const replace = (change: (before: CustodySettings) => Partial<CustodySettings>) => {
    const before = readCustodyFile(path);
    replaceCustodyFile(path, { ...before, ...change(before) });
  };
  return {
    settings: () => readCustodyFile(path),

    async prepareAddition(given, howToGet) {
      const settings = parseKekSettings(given as KekSettings);
      const { id, provider } = settings;
      if (readCustodyFile(path).keyEncryptionKeys.some((each) => each.id === id)) {
        throw new Error(`there is a key-encryption key ${id} already`);
      }
      if (howToGet === 'create') await PROVIDERS[provider].create(settings, folder);
      const kek = await PROVIDERS[provider].open(settings, folder);
      await kek.check();
      await kek.close();
      return {
        ...{ id, provider },
        finish: () =>
          replace(({ keyEncryptionKeys }) => ({
            keyEncryptionKeys: [...keyEncryptionKeys, settings],
          })),
      };
    },

    prepareRemoval(id, inUse) {
      const { current, keyEncryptionKeys } = readCustodyFile(path);
      const found = keyEncryptionKeys.find((each) => each.id === id);
      if (found === undefined) throw new Error(`there is no key-encryption key ${id}`);
      if (current === id) throw new Error(`${id} is the current key-encryption key`);
      if (inUse.has(id)) throw new Error(`keys are wrapped under ${id}: re-wrap them first`);
      return {
        ...{ id, provider: found.provider },
        finish: () =>
          replace((before) => ({
            keyEncryptionKeys: before.keyEncryptionKeys.filter((each) => each.id !== id),
          })),
      };
    },

    async prepareSelection(id) {
      await (await custody.kek(id)).check();
      const found = readCustodyFile(path).keyEncryptionKeys.find((each) => each.id === id);
      if (found === undefined) throw new Error(`there is no key-encryption key ${id}`);
      return { id, provider: found.provider, finish: () => replace(() => ({ current: id })) };
    },

    rewrap: (key, kek) => wrapper.rewrap(key, kek),
  };
}
