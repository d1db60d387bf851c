/**
 * What the service and the key commands have in common: the database and the keys of a home.
 *
 * @module
 */

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Refusal } from './domain/error.ts';
import type { Transport } from './http/transport.ts';
import { makeCredentials } from './keys/credentials.ts';
import { createCustodyFile, firstCustody, openCustody, PROVIDERS } from './keys/custody.ts';
import { makeKeyWrapper } from './keys/key-wrapper.ts';
import { makeKeyring } from './keys/keyring.ts';
import { random } from './keys/random.ts';
import { newServiceKeys, openServiceKeys } from './keys/service-keys.ts';
import { makeZoneKeys } from './keys/zone-keys.ts';
import { type AuditSettings, openAudit } from './service-audit.ts';
import { makeCardStore } from './store/card-store.ts';
import { makeDirectory } from './store/directory.ts';
import { makeWrappedKeyStore } from './store/key-store.ts';
import { makeLedger } from './store/ledger.ts';
import { openStore, type StorePlace } from './store/place.ts';
import type { Audited } from './usecase/audit-trail.ts';
import { addKey } from './usecase/key-changes.ts';
import { makePendingNonces } from './usecase/pending-nonces.ts';
import type { Clock, Ledger } from './usecase/ports.ts';
import { type Metrics, makeMetrics } from './watch/metrics.ts';
import { makeTraces } from './watch/traces.ts';

/** Says where the key-encryption keys are. */
export const custodyFileIn = (home: string) => join(home, 'key-encryption-keys.json');

/** The database of a service that names no other. */
export function sqliteIn(home: string): StorePlace {
  return { engine: 'sqlite', path: join(home, 'pantoken.db') };
}

/** What a service can be told beside its folder. */
export interface ServiceOptions extends AuditSettings {
  /** Left out: a SQLite file in the folder. */
  readonly database?: StorePlace | undefined;
  /** How the database is opened; tests and the crash harness put something in between. */
  readonly open?: typeof openStore;
  /** Where its keys may be used; they do not open anywhere else. */
  readonly environment?: string | undefined;
  /** How connections come in; left out: in plain HTTP, for loopback. */
  readonly transport?: Transport;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

export type OpenedHome = Awaited<ReturnType<typeof openHome>>;

/**
 * Makes the folder, key-encryption key, database and service keys of a new service.
 *
 * @throws {Error} when the folder or the database holds one already.
 */
export async function createHome(home: string, options: ServiceOptions): Promise<void> {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const store = await openStore(options.database ?? sqliteIn(home));
  try {
    const known = await makeWrappedKeyStore(store.reader).listKeys();
    if (known.length > 0) throw new Error('the database holds a service already');
    const settings = firstCustody(options.environment ?? 'default');
    for (const each of settings.keyEncryptionKeys) {
      await PROVIDERS[each.provider].create(each, home);
    }
    createCustodyFile(custodyFileIn(home), settings);
    const custody = openCustody(custodyFileIn(home));
    const keys = await newServiceKeys(makeKeyWrapper(custody), systemClock);
    await custody.close();
    const audit = { atMs: systemClock.nowMs(), who: 'operator', requestId: random.recordId() };
    const outcome = await makeLedger(store.committer).commit({
      changes: keys.flatMap((key) => addKey(key, 'active')),
      audit: { ...audit, action: 'create_service', outcome: 'done' },
    });
    if (!outcome.committed) throw new Error('another node has made a service in the database');
  } finally {
    await store.close();
  }
}

/**
 * Opens the database and the keys of a home.
 *
 * @param clock the time; tests move it.
 * @throws {Error} when a file, key or provider is missing or wrong: it says which. A key that is not
 *   what it should be is written to the audit log, too.
 */
export async function openHome(home: string, log: Logger, clock: Clock, options: ServiceOptions) {
  const { database = sqliteIn(home), open = openStore } = options;
  if (database.engine === 'sqlite' && !existsSync(database.path)) {
    throw new Error(`there is no service in ${home}`);
  }
  const custody = openCustody(custodyFileIn(home));
  const store = await open(database);
  const { reader } = store;
  const keys = makeWrappedKeyStore(reader);
  const wrapper = makeKeyWrapper(custody);
  const nonces = makePendingNonces();
  async function close(): Promise<void> {
    await store.close();
    await custody.close();
  }
  const settings = options;
  try {
    const serviceKeys = await openServiceKeys(wrapper, keys);
    const keyring = await makeKeyring({ custody, wrapper, store: keys, clock });
    const metrics = makeMetrics();
    const traces = openTraces(settings, metrics);
    const audit = await openAudit({
      ...{ settings, home, store, keys: serviceKeys, nonces, clock, log, metrics },
      tracer: traces,
    });
    return {
      ...{
        custody,
        wrapper,
        keys,
        keyring,
        serviceKeys,
        random,
        clock,
        store,
        reader,
        nonces,
        audit,
      },
      metrics,
      traces,
      audited: audit.audited,
      zoneKeys: await makeZoneKeys({ wrapper, store: keys, clock }),
      credentials: makeCredentials(serviceKeys),
      directory: await makeDirectory(reader),
      cards: makeCardStore(reader),
      async close(): Promise<void> {
        await audit.close();
        await traces?.close();
        await close();
      },
    };
  } catch (error) {
    await recordDamage(makeLedger(store.committer), clock, error);
    await close();
    throw error;
  }
}

/** Undefined where no collector is configured. */
function openTraces(settings: AuditSettings, { spansDropped: dropped }: Metrics) {
  const { traceCollector: collector, node = 'node', tracePercent: percent = 100 } = settings;
  return collector && makeTraces({ collector, node, percent, dropped });
}

/** A key that is not what it should be is somebody's doing: it is on record, not only in the log. */
export async function recordKeyFailure(audited: Audited, error: unknown): Promise<void> {
  if (!(error instanceof Refusal) || error.code !== 'KEY_DAMAGED') return;
  const context = { who: 'service', requestId: random.recordId() };
  await audited(context, 'open_keys', (trail) => {
    trail.note({ key: damageOf(error) });
    return Promise.reject(error);
  }).catch((thrown) => {
    if (thrown !== error) throw thrown;
  });
}

/** The same before the audit log is open: it is signed with one of the keys. */
async function recordDamage(ledger: Ledger, clock: Clock, error: unknown): Promise<void> {
  if (!(error instanceof Refusal) || error.code !== 'KEY_DAMAGED') return;
  const { code } = error;
  const record = { atMs: clock.nowMs(), who: 'service', requestId: random.recordId(), code };
  const audit = {
    ...record,
    action: 'open_keys',
    outcome: 'refused',
    key: damageOf(error),
  } as const;
  await ledger.commit({ changes: [], audit });
}

function damageOf({ facts }: Refusal): string {
  return `${facts.key}: ${facts.reason}`;
}
