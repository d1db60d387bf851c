/**
 * The composition root: makes every part and hands it to those that need it. Plain calls, in the
 * order of the arrows of ARCHITECTURE.md.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { buildServer } from './http/server.ts';
import { makeMessageCipher } from './keys/message-cipher.ts';
import {
  createHome,
  type OpenedHome,
  openHome,
  recordKeyFailure,
  type Surroundings,
} from './opened-home.ts';
import { makeAuthenticate } from './usecase/authenticate.ts';
import { makeChangeAccount } from './usecase/change-account.ts';
import { makeCreateCard } from './usecase/create-card.ts';
import { makeFollowRegistry, POLL_EVERY_MS } from './usecase/follow-registry.ts';
import { makeInquireNumber } from './usecase/inquire-number.ts';
import { makeInquireToken } from './usecase/inquire-token.ts';
import { makeRegister } from './usecase/register.ts';
import { makeReissueCard } from './usecase/reissue-card.ts';
import { makeRenewCard } from './usecase/renew-card.ts';
import { makeValidatePan } from './usecase/validate-pan.ts';

export type Service = Awaited<ReturnType<typeof openService>>;

/** Makes a new service in a folder, and opens it. */
export async function createService(home: string, log: Logger, environment = 'sandbox') {
  await createHome(home, environment);
  return openService(home, log);
}

/**
 * Opens the service in a folder.
 *
 * @throws {Error} when a file, key or provider is missing or wrong: it says which, and does not start.
 */
export async function openService(home: string, log: Logger, surroundings: Surroundings = {}) {
  const opened = await openHome(home, surroundings);
  const { serviceKeys, keyring, credentials, directory, cards, audited, clock, random } = opened;
  const cipher = makeMessageCipher(serviceKeys.message);
  const authenticate = makeAuthenticate({ directory, credentials, clock });
  const deps = { audited, directory, cards, keyring, credentials, random, clock };
  const createCard = makeCreateCard(deps);
  const reissueCard = makeReissueCard(deps);
  const renewCard = makeRenewCard(deps);
  const validatePan = makeValidatePan(deps);
  const inquiries = {
    inquireToken: makeInquireToken(deps),
    inquireNumber: makeInquireNumber(deps),
  };
  const app: FastifyInstance = buildServer({
    firstVision: { authenticate, createCard, reissueCard, renewCard, ...inquiries },
    cardtokens: { authenticate, validatePan, cipher },
    log,
  });
  const follower = follow(opened, log);
  return {
    app,
    register: makeRegister(deps),
    createCard,
    reissueCard,
    renewCard,
    changeAccount: makeChangeAccount(deps),
    publicKeyPem: cipher.publicKeyPem(),
    /** Answers what is under way, then lets go of every file and thread. */
    async close(): Promise<void> {
      clearInterval(follower);
      await app.close();
      await cipher.close();
      await opened.close();
    },
  };
}

/** Keeps up with what other processes change in the registry, and sees that the keys' provider lives. */
function follow(opened: OpenedHome, log: Logger): NodeJS.Timeout {
  const { keyring, directory, version, clock, custody, ledger } = opened;
  let lastReason = '';
  const look = makeFollowRegistry({
    version,
    clock,
    // Four tries before the keys' time is up.
    confirmEveryMs: custody.settings().keyCacheTtlSeconds * 250,
    async refresh() {
      await keyring.refresh();
      await directory.refresh();
      lastReason = '';
    },
    async onFailure(error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ err: error }, `keys and registry could not be read anew: ${reason}`);
      if (reason === lastReason) return; // It is tried every two seconds: once on record is enough.
      lastReason = reason;
      await recordKeyFailure(ledger, clock, error).catch((cause) => log.error({ err: cause }));
    },
  });
  return setInterval(() => void look(), POLL_EVERY_MS).unref();
}
