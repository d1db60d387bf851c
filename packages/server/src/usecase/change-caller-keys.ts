import { type Caller, type CallerKey, makeCaller } from '../domain/caller.ts';
import { Refusal } from '../domain/error.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import { demandCaller } from './disable-caller.ts';
import type { Directory, PublicKeys } from './ports.ts';

export interface ChangeCallerKeysDeps {
  readonly audited: Audited;
  readonly directory: Directory;
  readonly publicKeys: PublicKeys;
}

/** One key more or one less; both stand side by side while a caller changes over. */
export type KeyChange =
  | { readonly kind: 'add'; readonly key: CallerKey }
  | { readonly kind: 'remove'; readonly use: CallerKey['use']; readonly id: string };

export type ChangeCallerKeys = (
  context: RequestContext,
  name: string,
  change: KeyChange,
) => Promise<void>;

/** Room for one in use, the next, and some that nobody has removed. */
const KEYS_MAX = 8;

/**
 * Registers or removes a public key of a caller.
 *
 * @throws {Refusal} `CALLER_NOT_FOUND`, `ALREADY_REGISTERED`, `REQUEST_INVALID`: also when the last
 *   key would go that its number or signature form needs.
 */
export function makeChangeCallerKeys(deps: ChangeCallerKeysDeps): ChangeCallerKeys {
  const { audited, directory } = deps;
  return async (context, name, change) => {
    await audited(context, 'change_caller_keys', async (trail) => {
      const caller = demandCaller(directory, name);
      trail.note({ callerId: caller.id });
      const keys = changedKeys(deps, caller, change);
      makeCaller({ ...caller, keys }, caller.id); // Refuses what could not be registered.
      await trail.commit([
        { kind: 'set_caller_keys', callerId: caller.id, keys },
        { kind: 'count_directory_up' },
      ]);
    });
    await directory.refresh();
  };
}

function changedKeys(
  { publicKeys }: ChangeCallerKeysDeps,
  { keys }: Caller,
  change: KeyChange,
): readonly CallerKey[] {
  const { use, id } = change.kind === 'add' ? change.key : change;
  const others = keys.filter((key) => key.use !== use || key.id !== id);
  const isKnown = others.length < keys.length;
  const refuse = () => new Refusal('REQUEST_INVALID', { field: 'keys' });
  if (change.kind === 'remove') {
    if (!isKnown) throw refuse();
    return others;
  }
  if (isKnown) throw new Refusal('ALREADY_REGISTERED');
  const publicKeyPem = publicKeys.parse(use, change.key.publicKeyPem);
  if (publicKeyPem === undefined || keys.length >= KEYS_MAX) throw refuse();
  return [...keys, { ...change.key, publicKeyPem }];
}
