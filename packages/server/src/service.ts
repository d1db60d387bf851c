/**
 * The composition root: makes every part and hands it to those that need it. Plain calls, in the
 * order of the arrows of ARCHITECTURE.md.
 *
 * @module
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { followDirectory } from './follow-directory.ts';
import { makeNetworks } from './http/networks.ts';
import { buildServer } from './http/server.ts';
import { makeCredentials } from './keys/credentials.ts';
import { createKeyEncryptionKey, readKeyEncryptionKey } from './keys/key-encryption-key.ts';
import { makeKeyWrapper } from './keys/key-wrapper.ts';
import { makeKeyring } from './keys/keyring.ts';
import { makeMessageCipher } from './keys/message-cipher.ts';
import { makePublicKeys } from './keys/public-keys.ts';
import { random } from './keys/random.ts';
import { newServiceKeys, openServiceKeys } from './keys/service-keys.ts';
import { makeZoneKeys } from './keys/zone-keys.ts';
import { type AuditSettings, openAudit } from './service-audit.ts';
import { openWatch } from './service-watch.ts';
import { makeCardStore } from './store/card-store.ts';
import { makeDirectory, makeWrappedKeyStore } from './store/directory.ts';
import { makeKeptAnswerStore } from './store/kept-answer-store.ts';
import { makeLedger } from './store/ledger.ts';
import { openStore, type StorePlace } from './store/place.ts';
import { makeUseCases } from './use-cases.ts';
import { makePendingNonces } from './usecase/pending-nonces.ts';
import type { Clock } from './usecase/ports.ts';

import { makeMetrics } from './watch/metrics.ts';

export type Service = Awaited<ReturnType<typeof openService>>;

/** Where a service keeps its files. */
const pathOfKeyEncryptionKey = (home: string) => join(home, 'key-encryption-key');

/** The database of a service that names no other. */
export function sqliteIn(home: string): StorePlace {
  return { engine: 'sqlite', path: join(home, 'pantoken.db') };
}

/** What a service can be told beside its folder; the defaults are good for one machine. */
export interface ServiceOptions extends AuditSettings {
  /** Left out: a SQLite file in the folder. */
  readonly database?: StorePlace | undefined;
  /** How the database is opened; tests and the crash harness put something in between. */
  readonly open?: typeof openStore;
}

const systemClock: Clock = { nowMs: () => Date.now() };

/**
 * Makes the folder, key-encryption key, database and service keys of a new service.
 *
 * @throws {Error} when the folder or the database holds one already.
 */
export async function createService(
  home: string,
  log: Logger,
  options: ServiceOptions = {},
): Promise<Service> {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const store = await openStore(options.database ?? sqliteIn(home));
  try {
    const keys = await makeWrappedKeyStore(store.reader).listKeys();
    if (keys.length > 0) throw new Error('the database holds a service already');
    createKeyEncryptionKey(pathOfKeyEncryptionKey(home));
    const wrapper = makeKeyWrapper(readKeyEncryptionKey(pathOfKeyEncryptionKey(home)));
    const audit = { atMs: systemClock.nowMs(), who: 'operator', requestId: random.recordId() };
    const outcome = await makeLedger(store.committer).commit({
      changes: newServiceKeys(wrapper, systemClock).map((key) => ({ kind: 'add_key', key })),
      audit: { ...audit, action: 'create_service', outcome: 'done' },
    });
    if (!outcome.committed) throw new Error('another node has made a service in the database');
  } finally {
    await store.close();
  }
  return openService(home, log, systemClock, options);
}

/**
 * Opens the service in a folder.
 *
 * @param clock the time; tests move it.
 * @throws {Error} when a file or key is missing or wrong: it says which, and does not start.
 */
export async function openService(
  home: string,
  log: Logger,
  clock = systemClock,
  options: ServiceOptions = {},
) {
  const { database = sqliteIn(home), open = openStore } = options;
  if (database.engine === 'sqlite' && !existsSync(database.path)) {
    throw new Error(`there is no service in ${home}`);
  }
  const wrapper = makeKeyWrapper(readKeyEncryptionKey(pathOfKeyEncryptionKey(home)));
  const store = await open(database);
  const { reader } = store;
  const wrappedKeys = makeWrappedKeyStore(reader);
  const serviceKeys = openServiceKeys(wrapper, await wrappedKeys.listKeys());
  const keyring = await makeKeyring({ wrapper, store: wrappedKeys, clock });
  const credentials = makeCredentials(serviceKeys);
  const cipher = makeMessageCipher(serviceKeys.message);
  const directory = await makeDirectory(reader);
  const nonces = makePendingNonces();
  const metrics = makeMetrics();
  const audit = await openAudit({
    settings: options,
    home,
    store,
    keys: serviceKeys,
    nonces,
    clock,
    log,
    metrics,
  });
  const { audited } = audit;
  const cards = makeCardStore(reader);
  const networks = makeNetworks();
  const publicKeys = makePublicKeys();
  const zoneKeys = await makeZoneKeys({ wrapper, store: wrappedKeys, clock });
  const access = { directory, credentials, networks, publicKeys, nonces, clock };
  const answers = makeKeptAnswerStore(reader);
  const deps = { ...access, audited, cards, answers, keyring, zoneKeys, random };
  const useCases = makeUseCases(deps);
  const app: FastifyInstance = buildServer({
    firstVision: { ...useCases, nonces },
    cardtokens: { ...useCases, cipher },
    v1: { ...useCases, nonces },
    recordRefusal: useCases.recordRefusal,
    log,
    meter: metrics,
  });
  const watch = openWatch({ metrics, audit, reader, clock });
  const stopFollowing = followDirectory({ directory, keyring, zoneKeys, log });
  return {
    app,
    directory,
    ...useCases,
    publicKeyPem: cipher.publicKeyPem(),
    audit,
    watch,
    /** Answers what is under way, then lets go of every file and thread. */
    async close(): Promise<void> {
      await app.close();
      await watch.close();
      await stopFollowing();
      await cipher.close();
      await audit.close();
      await store.close();
    },
  };
}
