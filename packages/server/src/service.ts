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
import { buildServer } from './http/server.ts';
import { makeCheckpointSigner } from './keys/checkpoint-signer.ts';
import { makeCredentials } from './keys/credentials.ts';
import { createKeyEncryptionKey, readKeyEncryptionKey } from './keys/key-encryption-key.ts';
import { makeKeyWrapper } from './keys/key-wrapper.ts';
import { makeKeyring } from './keys/keyring.ts';
import { makeMessageCipher } from './keys/message-cipher.ts';
import { random } from './keys/random.ts';
import { newServiceKeys, openServiceKeys } from './keys/service-keys.ts';
import { type AuditSettings, openAudit } from './service-audit.ts';
import { makeCardStore } from './store/card-store.ts';
import { makeDirectory, makeWrappedKeyStore } from './store/directory.ts';
import { makeLedger } from './store/ledger.ts';
import { openSqlite } from './store/sqlite.ts';
import { makeAcceptRestore } from './usecase/accept-restore.ts';
import { makeAudited } from './usecase/audit-trail.ts';
import { makeAuthenticate } from './usecase/authenticate.ts';
import { makeChangeAccount } from './usecase/change-account.ts';
import { makeCreateCard } from './usecase/create-card.ts';
import { makeInquireNumber } from './usecase/inquire-number.ts';
import { makeInquireToken } from './usecase/inquire-token.ts';
import type { Clock } from './usecase/ports.ts';
import { makeRegister } from './usecase/register.ts';
import { makeReissueCard } from './usecase/reissue-card.ts';
import { makeRenewCard } from './usecase/renew-card.ts';
import { makeValidatePan } from './usecase/validate-pan.ts';
import { guardLedger } from './usecase/watch-restore.ts';
import { makeAlarm } from './watch/alarm.ts';
import type { Webhook } from './watch/webhook.ts';

export type Service = Awaited<ReturnType<typeof openService>>;

/** What a service can be told; what is left out has a default that is good for one machine. */
export interface ServiceOptions extends Partial<AuditSettings> {
  /** What this node is called in its audit chains and alarms. */
  readonly node?: string;
  readonly alarmWebhook?: Webhook | undefined;
}

/** Where a service keeps its files. */
const pathsOf = (home: string) => ({
  database: join(home, 'pantoken.db'),
  keyEncryptionKey: join(home, 'key-encryption-key'),
  checkpoints: join(home, 'audit-checkpoints'),
});

/**
 * A checkpoint every minute of traffic, or every 1,000 blocks: what is cut off behind the last one is
 * not noticed, so this bounds it; each is some 250 bytes.
 */
const CHECKPOINT_LIMITS = { blocks: 1_000, seconds: 60 } as const;

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
 * @throws {Error} when a file or key is missing or wrong: it says which, and does not start.
 */
export async function openService(
  home: string,
  log: Logger,
  clock = systemClock,
  options: ServiceOptions = {},
) {
  const paths = pathsOf(home);
  if (!existsSync(paths.database)) throw new Error(`there is no service in ${home}`);
  const wrapper = makeKeyWrapper(readKeyEncryptionKey(paths.keyEncryptionKey));
  const { node = 'node', alarmWebhook: webhook } = options;
  const alarm = makeAlarm({ log, webhook, node, count: () => undefined, nowMs: Date.now });
  const store = openSqlite(paths.database, node);
  const { reader, committer } = store;
  const wrappedKeys = makeWrappedKeyStore(reader);
  const serviceKeys = openServiceKeys(wrapper, await wrappedKeys.listKeys());
  const keyring = await makeKeyring({ wrapper, store: wrappedKeys, clock });
  const credentials = makeCredentials(serviceKeys);
  const cipher = makeMessageCipher(serviceKeys.message);
  const directory = await makeDirectory(reader);
  const signer = makeCheckpointSigner(serviceKeys.audit);
  const audit = await openAudit({
    reader,
    committer,
    signer,
    alarm,
    clock,
    checkpointFile: options.checkpointFile ?? paths.checkpoints,
    checkpointWebhook: options.checkpointWebhook,
    checkpointLimits: options.checkpointLimits ?? CHECKPOINT_LIMITS,
  });
  const ledger = guardLedger(makeLedger(committer), audit.restoreWatch);
  const audited = makeAudited({ ledger, clock, alarm });
  const cards = makeCardStore(reader);
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
  return {
    app,
    register: makeRegister(deps),
    createCard,
    reissueCard,
    renewCard,
    changeAccount: makeChangeAccount(deps),
    publicKeyPem: cipher.publicKeyPem(),
    audit: {
      ...audit,
      acceptRestore: makeAcceptRestore({ audited, watch: audit.restoreWatch, clock }),
      publicKeyPem: String(signer.publicKey.export({ type: 'spki', format: 'pem' })),
    },
    /** Answers what is under way, then lets go of every file and thread. */
    async close(): Promise<void> {
      await app.close();
      await cipher.close();
      await audit.close();
      await store.close();
    },
  };
}
