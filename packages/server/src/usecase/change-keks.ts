import type { Audited, RequestContext } from './audit-trail.ts';
import type { WrappedKey, WrappedKeyStore } from './ports.ts';

/** A change of the key-encryption keys that was looked at, and is not made yet. */
export interface PreparedKekChange {
  readonly id: string;
  readonly provider: string;
  finish(): void;
}

/** The key-encryption keys of a home. What is wrong is an error whose message is for an operator. */
export interface KekRegister {
  /**
   * A key-encryption key that answers. Nothing is wrapped under it yet.
   *
   * @param settings as they are written down for it.
   * @param howToGet `create` makes the key where it is to be kept; `use` takes the one that is there.
   */
  prepareAddition(settings: unknown, howToGet: 'create' | 'use'): Promise<PreparedKekChange>;
  /** @param inUse the ids that wrapped keys name. */
  prepareRemoval(id: string, inUse: ReadonlySet<string>): PreparedKekChange;
  /** New keys are wrapped under it from then on. */
  prepareSelection(id: string): Promise<PreparedKekChange>;
  rewrap(key: WrappedKey, kek: string): Promise<WrappedKey>;
}

export interface ChangeKeks {
  add(context: RequestContext, settings: unknown, howToGet: 'create' | 'use'): Promise<void>;
  remove(context: RequestContext, id: string): Promise<void>;
  /** @throws {Error} when its provider is gone. */
  select(context: RequestContext, id: string): Promise<void>;
}

export interface ChangeKeksDeps {
  readonly audited: Audited;
  readonly keys: WrappedKeyStore;
  readonly keks: KekRegister;
}

/**
 * Adds, removes and selects key-encryption keys. Each change is on record before it is made: a crash in
 * between leaves a record of what did not happen, never a change without one.
 */
export function makeChangeKeks({ audited, keys, keks }: ChangeKeksDeps): ChangeKeks {
  const change = (
    context: RequestContext,
    action: 'add_kek' | 'remove_kek' | 'select_kek',
    prepare: () => Promise<PreparedKekChange>,
  ) =>
    audited(context, action, async (trail) => {
      const { id, provider, finish } = await prepare();
      trail.note({ key: `key-encryption key ${id} of provider ${provider}` });
      await trail.commit([]);
      finish();
    });
  return {
    add: (context, settings, howToGet) =>
      change(context, 'add_kek', () => keks.prepareAddition(settings, howToGet)),
    remove: (context, id) =>
      change(context, 'remove_kek', async () => {
        const inUse = (await keys.listKeys()).flatMap(({ key }) => key?.kek ?? []);
        return keks.prepareRemoval(id, new Set(inUse));
      }),
    select: (context, id) => change(context, 'select_kek', () => keks.prepareSelection(id)),
  };
}
