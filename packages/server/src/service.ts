/**
 * The composition root: makes every part and hands it to those that need it. Plain calls, in the
 * order of the arrows of ARCHITECTURE.md.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { followDirectory } from './follow-directory.ts';
import { makeNetworks } from './http/networks.ts';
import { buildServer } from './http/server.ts';
import { makeMessageCipher } from './keys/message-cipher.ts';
import { makePublicKeys } from './keys/public-keys.ts';
import {
  createHome,
  type OpenedHome,
  openHome,
  recordKeyFailure,
  type ServiceOptions,
  systemClock,
} from './opened-home.ts';
import { makeAddZoneKey } from './usecase/add-zone-key.ts';
import { makeAuthenticate } from './usecase/authenticate.ts';
import { makeChangeAccount } from './usecase/change-account.ts';
import { makeChangeCallerKeys } from './usecase/change-caller-keys.ts';
import { makeCreateCard } from './usecase/create-card.ts';
import { makeDisableCaller } from './usecase/disable-caller.ts';
import { makeDisableMerchant } from './usecase/disable-merchant.ts';
import { makeInquireNumber } from './usecase/inquire-number.ts';
import { makeInquireToken } from './usecase/inquire-token.ts';
import { makeRecordAccountChange } from './usecase/record-account-change.ts';
import { makeRecordAccountChanges } from './usecase/record-account-changes.ts';
import { makeRecordRefusal } from './usecase/record-refusal.ts';
import { makeRegister } from './usecase/register.ts';
import { makeReissueCard } from './usecase/reissue-card.ts';
import { makeRenewCard } from './usecase/renew-card.ts';
import { makeRotateCaller } from './usecase/rotate-caller.ts';
import { makeValidatePan } from './usecase/validate-pan.ts';

export { type ServiceOptions, sqliteIn } from './opened-home.ts';

export type Service = Awaited<ReturnType<typeof openService>>;

/** Makes a new service in a folder, and opens it. @throws {Error} when there is one already. */
export async function createService(
  home: string,
  log: Logger,
  options: ServiceOptions = {},
): Promise<Service> {
  await createHome(home, options);
  return openService(home, log, systemClock, options);
}

/**
 * Opens the service in a folder.
 *
 * @param clock the time; tests move it.
 * @throws {Error} when a file, key or provider is missing or wrong: it says which, and does not start.
 */
export async function openService(
  home: string,
  log: Logger,
  clock = systemClock,
  options: ServiceOptions = {},
) {
  const opened = await openHome(home, clock, options);
  const { serviceKeys, keyring, zoneKeys, credentials, directory, cards, audited } = opened;
  const { random, nonces } = opened;
  const cipher = makeMessageCipher(serviceKeys.message);
  const networks = makeNetworks();
  const publicKeys = makePublicKeys();
  const access = { directory, credentials, networks, publicKeys, nonces, clock };
  const authenticate = makeAuthenticate(access);
  const deps = { ...access, audited, cards, keyring, zoneKeys, random };
  const createCard = makeCreateCard(deps);
  const reissueCard = makeReissueCard(deps);
  const renewCard = makeRenewCard(deps);
  const validatePan = makeValidatePan(deps);
  const recordAccountChanges = makeRecordAccountChanges(makeRecordAccountChange(deps));
  const inquiries = {
    inquireToken: makeInquireToken(deps),
    inquireNumber: makeInquireNumber(deps),
  };
  const app: FastifyInstance = buildServer({
    firstVision: { authenticate, nonces, createCard, reissueCard, renewCard, ...inquiries },
    cardtokens: { authenticate, validatePan, cipher },
    recordRefusal: makeRecordRefusal(deps),
    v1: { authenticate, nonces, recordAccountChanges },
    log,
  });
  const stopFollowing = follow(opened, log);
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
    ...inquiries,
    reissueCard,
    renewCard,
    changeAccount: makeChangeAccount(deps),
    recordAccountChanges,
    publicKeyPem: cipher.publicKeyPem(),
    /** Answers what is under way, then lets go of every file and thread. */
    async close(): Promise<void> {
      await app.close();
      await stopFollowing();
      await cipher.close();
      await opened.close();
    },
  };
}

/** Keeps up with what other processes change, and sees that the provider of the keys is there. */
function follow({ clock, ledger, custody, ...opened }: OpenedHome, log: Logger) {
  const { directory, keyring, zoneKeys } = opened;
  return followDirectory({
    ...{ directory, keyring, zoneKeys, log },
    // Four tries before the time of the keys is up.
    confirmEveryMs: custody.settings().keyCacheTtlSeconds * 250,
    onFailure: (error) => recordKeyFailure(ledger, clock, error),
  });
}
