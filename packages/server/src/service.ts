/**
 * The composition root: makes every part and hands it to those that need it. Plain calls, in the
 * order of the arrows of ARCHITECTURE.md.
 *
 * @module
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Server as TlsServer } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { followDirectory } from './follow-directory.ts';
import { makeNetworks } from './http/networks.ts';
import { buildServer } from './http/server.ts';
import { followTlsFiles } from './http/tls.ts';
import { LOOPBACK_TRANSPORT, type Transport } from './http/transport.ts';
import { makeCredentials } from './keys/credentials.ts';
import { createKeyEncryptionKey, readKeyEncryptionKey } from './keys/key-encryption-key.ts';
import { makeKeyWrapper } from './keys/key-wrapper.ts';
import { makeKeyring } from './keys/keyring.ts';
import { makeMessageCipher } from './keys/message-cipher.ts';
import { makePublicKeys } from './keys/public-keys.ts';
import { random } from './keys/random.ts';
import { newServiceKeys, openServiceKeys } from './keys/service-keys.ts';
import { makeZoneKeys } from './keys/zone-keys.ts';
import { makeCardStore } from './store/card-store.ts';
import { makeDirectory, makeWrappedKeyStore } from './store/directory.ts';
import { makeLedger } from './store/ledger.ts';
import { openStore, type StorePlace } from './store/place.ts';
import { makeAddZoneKey } from './usecase/add-zone-key.ts';
import { makeAudited } from './usecase/audit-trail.ts';
import { makeAuthenticate } from './usecase/authenticate.ts';
import { makeChangeAccount } from './usecase/change-account.ts';
import { makeChangeCallerKeys } from './usecase/change-caller-keys.ts';
import { makeCreateCard } from './usecase/create-card.ts';
import { makeDisableCaller } from './usecase/disable-caller.ts';
import { makeDisableMerchant } from './usecase/disable-merchant.ts';
import { makeInquireNumber } from './usecase/inquire-number.ts';
import { makeInquireToken } from './usecase/inquire-token.ts';
import { makePendingNonces } from './usecase/pending-nonces.ts';
import type { Clock } from './usecase/ports.ts';
import { makeRecordRefusal } from './usecase/record-refusal.ts';
import { makeRegister } from './usecase/register.ts';
import { makeReissueCard } from './usecase/reissue-card.ts';
import { makeRenewCard } from './usecase/renew-card.ts';
import { makeRotateCaller } from './usecase/rotate-caller.ts';
import { makeValidatePan } from './usecase/validate-pan.ts';

export type Service = Awaited<ReturnType<typeof openService>>;

/** Where a service keeps its files. */
const pathOfKeyEncryptionKey = (home: string) => join(home, 'key-encryption-key');

/** The database of a service that names no other. */
export function sqliteIn(home: string): StorePlace {
  return { engine: 'sqlite', path: join(home, 'pantoken.db') };
}

/** What a service can be told beside its folder. */
export interface ServiceOptions {
  /** Left out: a SQLite file in the folder. */
  readonly database?: StorePlace | undefined;
  /** How the database is opened; tests and the crash harness put something in between. */
  readonly open?: typeof openStore;
  /** How connections come in; left out: in plain HTTP, for loopback. */
  readonly transport?: Transport;
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
  const { transport = LOOPBACK_TRANSPORT } = options;
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
  const audited = makeAudited({ ledger: makeLedger(store.committer), clock, nonces });
  const cards = makeCardStore(reader);
  const networks = makeNetworks();
  const publicKeys = makePublicKeys();
  const zoneKeys = await makeZoneKeys({ wrapper, store: wrappedKeys, clock });
  const access = { directory, credentials, networks, publicKeys, nonces, clock };
  const authenticate = makeAuthenticate(access);
  const deps = { ...access, audited, cards, keyring, zoneKeys, random };
  const createCard = makeCreateCard(deps);
  const reissueCard = makeReissueCard(deps);
  const renewCard = makeRenewCard(deps);
  const validatePan = makeValidatePan(deps);
  const inquiries = {
    inquireToken: makeInquireToken(deps),
    inquireNumber: makeInquireNumber(deps),
  };
  const app: FastifyInstance = buildServer({
    firstVision: { authenticate, nonces, createCard, reissueCard, renewCard, ...inquiries },
    cardtokens: { authenticate, validatePan, cipher },
    recordRefusal: makeRecordRefusal(deps),
    transport,
    log,
  });
  const { tls } = transport;
  const certificate = tls && followTlsFiles(app.server as unknown as TlsServer, tls, log);
  const stopFollowing = followDirectory({ directory, keyring, zoneKeys, log });
  return {
    app,
    directory,
    /** Reads the TLS certificate anew. */
    reloadTls: () => certificate?.reload(),
    register: makeRegister(deps),
    rotateCaller: makeRotateCaller(deps),
    disableCaller: makeDisableCaller(deps),
    changeCallerKeys: makeChangeCallerKeys(deps),
    disableMerchant: makeDisableMerchant(deps),
    addZoneKey: makeAddZoneKey(deps),
    createCard,
    ...inquiries,
    reissueCard,
    renewCard,
    changeAccount: makeChangeAccount(deps),
    publicKeyPem: cipher.publicKeyPem(),
    /** Answers what is under way, then lets go of every file and thread. */
    async close(): Promise<void> {
      certificate?.stop();
      await app.close();
      await stopFollowing();
      await cipher.close();
      await store.close();
    },
  };
}
