import type { KeyState } from '../domain/key-epoch.ts';
import type { Change, KeyName, WrappedKey } from './ports.ts';

/** The changes that make a key true: its wrapped bytes and its life. */
export function addKey(key: WrappedKey, state: KeyState): readonly Change[] {
  const { organization, purpose, epoch, createdAtMs } = key;
  const name: KeyName = { organization, purpose, epoch };
  return [
    { kind: 'add_key', key },
    { kind: 'add_key_epoch', ...name, state, atMs: createdAtMs },
  ];
}

/** What a person calls a key: `token key 2 of organization 100`. */
export function nameOfKey({ organization, purpose, epoch }: KeyName): string {
  const owner = organization === undefined ? 'the service' : `organization ${organization}`;
  return `${purpose} key ${epoch} of ${owner}`;
}
