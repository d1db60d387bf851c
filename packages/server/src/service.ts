/**
 * The composition root: makes every part and hands it to those that need it. Plain calls, in the
 * order of the arrows of ARCHITECTURE.md.
 *
 * @module
 */
import type { Server as TlsServer } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { followDirectory } from './follow-directory.ts';
import { makeNetworks } from './http/networks.ts';
import { buildServer } from './http/server.ts';
import { followTlsFiles } from './http/tls.ts';
import { LOOPBACK_TRANSPORT } from './http/transport.ts';
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
import { makeRetention } from './retention-service.ts';
import { openWatch } from './service-watch.ts';
import { makeKeptAnswerStore } from './store/kept-answer-store.ts';
import { makeKeyJobStore } from './store/key-store.ts';
import { makeUpdaterService } from './updater-service.ts';
import { makeUseCases } from './use-cases.ts';
import { makeDeleteCards } from './usecase/delete-cards.ts';

export type Service = Awaited<ReturnType<typeof openService>>;

export { type ServiceOptions, sqliteIn } from './opened-home.ts';

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
  const { transport = LOOPBACK_TRANSPORT } = options;
  const opened = await openHome(home, log, clock, options);
  const { serviceKeys, keyring, zoneKeys, credentials, directory, cards, audited } = opened;
  const { random, nonces, audit, store, reader, metrics } = opened;
  const cipher = makeMessageCipher(serviceKeys.message, clock);
  const networks = makeNetworks();
  const publicKeys = makePublicKeys();
  const access = { directory, credentials, networks, publicKeys, nonces, clock };
  const answers = makeKeptAnswerStore(reader);
  const deps = { ...access, audited, cards, answers, keyring, zoneKeys, random };
  const useCases = makeUseCases({ ...deps, cipher, archive: audit.archive });
  const { ledger, alarm } = audit;
  const keys = serviceKeys;
  const updater = makeUpdaterService({ ...deps, home, store, keys, ledger, cipher, alarm, log });
  const jobs = makeKeyJobStore(reader);
  const deletion = { ...deps, ledger, jobs, vault: updater.vault };
  const retention = makeRetention({ ...deletion, log });
  const app: FastifyInstance = buildServer({
    firstVision: { ...useCases, nonces },
    cardtokens: { ...useCases, ...updater, ...updater.watchlist, cipher },
    v1: { ...useCases, ...updater, nonces },
    recordRefusal: useCases.recordRefusal,
    transport,
    log,
    meter: metrics,
    tracer: opened.traces,
  });
  const { tls } = transport;
  const certificate = tls && followTlsFiles(app.server as unknown as TlsServer, tls, log);
  const following = follow(opened, log);
  const { areKeysConfirmed } = following;
  const { keyAgeDaysMax } = opened.custody.settings();
  const watched = { metrics, audit, reader, clock, areKeysConfirmed };
  const watch = openWatch({ ...watched, log, keyAgeDaysMax });
  return {
    app,
    directory,
    ...useCases,
    recordAccountChanges: updater.recordAccountChanges,
    disableMerchant: updater.disableMerchant,
    updater,
    retention,
    deleteCards: makeDeleteCards(deletion),
    /** Reads the TLS certificate anew. */
    reloadTls: () => certificate?.reload(),
    get publicKeyPem() {
      return cipher.publicKeyPem();
    },
    audit,
    watch,
    /** Answers what is under way, then lets go of every file and thread. */
    async close(): Promise<void> {
      certificate?.stop();
      await app.close();
      await updater.close();
      await retention.close();
      await watch.close();
      await following.stop();
      await cipher.close();
      await opened.close();
    },
  };
}

/** Keeps up with what other processes change, and sees that the provider of the keys is there. */
function follow(opened: OpenedHome, log: Logger) {
  const { directory, keyring, zoneKeys, serviceKeys, custody, audited } = opened;
  return followDirectory({
    ...{ directory, keyring, zoneKeys, serviceKeys, log },
    listen: opened.store.hints?.listen,
    // Four tries before the time of the keys is up.
    confirmEveryMs: custody.settings().keyCacheTtlSeconds * 250,
    onFailure: (error) => recordKeyFailure(audited, error),
  });
}
