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
import { LOOPBACK_TRANSPORT } from './http/transport.ts';
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
import { openSqlite } from './store/sqlite.ts';
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
import { makeRegister } from './usecase/register.ts';
import { makeReissueCard } from './usecase/reissue-card.ts';
import { makeRenewCard } from './usecase/renew-card.ts';
import { makeRotateCaller } from './usecase/rotate-caller.ts';
import { makeValidatePan } from './usecase/validate-pan.ts';

export type Service = Awaited<ReturnType<typeof openService>>;

/** Where a service keeps its files. */
const pathsOf = (home: string) => ({
  database: join(home, 'pantoken.db'),
  keyEncryptionKey: join(home, 'key-encryption-key'),
});

const systemClock: Clock = { nowMs: () => Date.now() };

/** Makes the folder, key-encryption key, database and service keys of a new service. */
export async function createService(home: string, log: Logger): Promise<Service> {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const paths = pathsOf(home);
  createKeyEncryptionKey(paths.keyEncryptionKey);
  const wrapper = makeKeyWrapper(readKeyEncryptionKey(paths.keyEncryptionKey));
  const store = openSqlite(paths.database);
  const audit = { atMs: systemClock.nowMs(), who: 'operator', requestId: random.recordId() };
  await makeLedger(store.committer).commit({
    changes: newServiceKeys(wrapper, systemClock).map((key) => ({ kind: 'add_key', key })),
    audit: { ...audit, action: 'create_service', outcome: 'done' },
  });
  await store.close();
  return openService(home, log);
}

/**
 * Opens the service in a folder.
 *
 * @param clock the time; tests move it.
 * @param transport how connections come in; in plain HTTP where left out, for loopback.
 * @throws {Error} when a file or key is missing or wrong: it says which, and does not start.
 */
export async function openService(
  home: string,
  log: Logger,
  clock = systemClock,
  transport = LOOPBACK_TRANSPORT,
) {
  const paths = pathsOf(home);
  if (!existsSync(paths.database)) throw new Error(`there is no service in ${home}`);
  const wrapper = makeKeyWrapper(readKeyEncryptionKey(paths.keyEncryptionKey));
  const store = openSqlite(paths.database);
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
    transport,
    log,
  });
  const stopFollowing = followDirectory({ directory, keyring, zoneKeys, log });
  return {
    app,
    directory,
    register: makeRegister(deps),
    rotateCaller: makeRotateCaller(deps),
    disableCaller: makeDisableCaller(deps),
    changeCallerKeys: makeChangeCallerKeys(deps),
    disableMerchant: makeDisableMerchant(deps),
    addZoneKey: makeAddZoneKey(deps),
    createCard,
    reissueCard,
    renewCard,
    changeAccount: makeChangeAccount(deps),
    publicKeyPem: cipher.publicKeyPem(),
    /** Answers what is under way, then lets go of every file and thread. */
    async close(): Promise<void> {
      await app.close();
      await stopFollowing();
      await cipher.close();
      await store.close();
    },
  };
}
