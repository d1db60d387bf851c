/**
 * What the service and the key commands have in common: the database and the keys of a home.
 *
 * @module
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from './domain/error.ts';
import { makeCredentials } from './keys/credentials.ts';
import { createCustodyFile, firstCustody, openCustody, PROVIDERS } from './keys/custody.ts';
import { makeKeyWrapper } from './keys/key-wrapper.ts';
import { makeKeyring } from './keys/keyring.ts';
import { random } from './keys/random.ts';
import { newServiceKeys, openServiceKeys } from './keys/service-keys.ts';
import { makeCardStore } from './store/card-store.ts';
import { makeDirectory } from './store/directory.ts';
import { makeRegistryVersion, makeWrappedKeyStore } from './store/key-store.ts';
import { type Committer, makeLedger } from './store/ledger.ts';
import { openSqlite } from './store/sqlite.ts';
import { makeAudited } from './usecase/audit-trail.ts';
import { addKey } from './usecase/key-changes.ts';
import type { Clock, Ledger } from './usecase/ports.ts';

/** Where a service keeps its files. */
export const pathsOf = (home: string) => ({
  database: join(home, 'pantoken.db'),
  /** Says where the key-encryption keys are. */
  custody: join(home, 'key-encryption-keys.json'),
});

export const systemClock: Clock = { nowMs: () => Date.now() };

/** What may be put in the place of the real thing by who composes. Only tests do. */
export interface Surroundings {
  readonly clock?: Clock;
  /** Stands between the use cases and the database: a harness stops the process there. */
  readonly aroundCommits?: (committer: Committer) => Committer;
}

export type OpenedHome = Awaited<ReturnType<typeof openHome>>;

/** Makes the folder, key-encryption key, database and service keys of a new service. */
export async function createHome(home: string, environment: string): Promise<void> {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const paths = pathsOf(home);
  const settings = firstCustody(environment);
  for (const each of settings.keyEncryptionKeys) await PROVIDERS[each.provider].create(each, home);
  createCustodyFile(paths.custody, settings);
  const custody = openCustody(paths.custody);
  const store = openSqlite(paths.database);
  const keys = await newServiceKeys(makeKeyWrapper(custody), systemClock);
  const audit = { atMs: systemClock.nowMs(), who: 'operator', requestId: random.recordId() };
  await makeLedger(store.committer).commit({
    changes: keys.flatMap((key) => addKey(key, 'active')),
    audit: { ...audit, action: 'create_service', outcome: 'done' },
  });
  await store.close();
  await custody.close();
}

/**
 * Opens the database and the keys of a home.
 *
 * @throws {Error} when a file, key or provider is missing or wrong: it says which. A key that is not
 *   what it should be is written to the audit log, too.
 */
export async function openHome(home: string, { clock = systemClock, aroundCommits }: Surroundings) {
  const paths = pathsOf(home);
  if (!existsSync(paths.database)) throw new Error(`there is no service in ${home}`);
  const custody = openCustody(paths.custody);
  const store = openSqlite(paths.database);
  const ledger = makeLedger(aroundCommits?.(store.committer) ?? store.committer);
  const { reader } = store;
  const keys = makeWrappedKeyStore(reader);
  const wrapper = makeKeyWrapper(custody);
  async function close(): Promise<void> {
    await store.close();
    await custody.close();
  }
  try {
    const serviceKeys = await openServiceKeys(wrapper, await keys.listKeys());
    const keyring = await makeKeyring({ custody, wrapper, store: keys, clock });
    return {
      ...{ custody, wrapper, keys, keyring, serviceKeys, random, clock, reader, close },
      custodyPath: paths.custody,
      ledger,
      audited: makeAudited({ ledger, clock }),
      credentials: makeCredentials(serviceKeys),
      directory: await makeDirectory(reader),
      cards: makeCardStore(reader),
      version: makeRegistryVersion(reader),
    };
  } catch (error) {
    await recordKeyFailure(ledger, clock, error);
    await close();
    throw error;
  }
}

/** A key that is not what it should be is somebody's doing: it is on record, not only in the log. */
export async function recordKeyFailure(
  ledger: Ledger,
  clock: Clock,
  error: unknown,
): Promise<void> {
  if (!(error instanceof Refusal) || error.code !== 'KEY_DAMAGED') return;
  const { code, facts } = error;
  const record = { atMs: clock.nowMs(), who: 'service', requestId: random.recordId(), code };
  const key = `${facts.key}: ${facts.reason}`;
  const audit = { ...record, action: 'open_keys', outcome: 'refused', key } as const;
  await ledger.commit({ changes: [], audit });
}
