/**
 * Puts together what is watched from outside: health and metrics.
 *
 * @module
 */
import { once } from 'node:events';
import type { Logger } from 'pino';
import type { Audit } from './service-audit.ts';
import { makeWrappedKeyStore } from './store/key-store.ts';
import type { Reader } from './store/statements.ts';
import { ageWarningOf } from './usecase/list-keys.ts';
import type { Clock } from './usecase/ports.ts';
import type { Metrics } from './watch/metrics.ts';
import { CHECK_LIMIT_MS, makeWatchServer, type Readiness } from './watch/watch-server.ts';

export interface WatchDeps {
  readonly metrics: Metrics;
  readonly audit: Audit;
  readonly reader: Reader;
  readonly clock: Clock;
  /** Whether the provider of the keys answered when it was last asked. */
  areKeysConfirmed(): boolean;
  readonly log: Logger;
  readonly keyAgeDaysMax: number;
}

/** Half of the time a check has. */
const DATABASE_LIMIT_MS = CHECK_LIMIT_MS / 2;

/** Keys that grow old are warned of at the start, and once a day. */
const DAY_MS = 24 * 60 * 60 * 1000;
const WARN_EVERY_MS = DAY_MS;

export function openWatch(deps: WatchDeps) {
  const { metrics, audit, reader, clock } = deps;
  metrics.watch({
    checkpointLag: audit.checkpointer.lag,
    isAuditWritable: audit.isWritable,
    lossCount: () => audit.losses().length,
    budgetUse: () => audit.budgets.largestUse(),
    keyAges: () => keyAges(reader, clock.nowMs()),
    closedEpochs: () => closedEpochs(reader),
  });
  const warn = () => void warnOfOldKeys(deps).catch(() => undefined); // The database is away.
  warn();
  const timer = setInterval(warn, WARN_EVERY_MS).unref();
  const server = makeWatchServer({ metrics, check: () => check(deps) });
  return {
    /** @returns the port, which is chosen where 0 is given. */
    async listen(port: number, host: string): Promise<number> {
      server.listen(port, host);
      await once(server, 'listening');
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : port;
    },
    async close(): Promise<void> {
      clearInterval(timer);
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function check({ reader, audit, areKeysConfirmed }: WatchDeps): Promise<Readiness> {
  const missing: string[] = [];
  const isAnswered = await inTime(reader.read('findDirectoryVersion', []));
  if (!isAnswered) missing.push('database');
  if (!areKeysConfirmed()) missing.push('key provider');
  // Without its database it cannot be written either, and trying would take all the time there is.
  if (!(isAnswered ? await audit.tryWriting() : audit.isWritable())) missing.push('audit log');
  return { missing, degraded: audit.losses().length > 0 ? ['changes: restore not accepted'] : [] };
}

/** Whether it resolves before the answer is due: a lost database is asked again and again meanwhile. */
async function inTime(asked: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), DATABASE_LIMIT_MS);
  });
  const answered = asked.then(
    () => true,
    () => false,
  );
  const isAnswered = await Promise.race([answered, late]);
  clearTimeout(timer);
  return isAnswered;
}

async function warnOfOldKeys({ reader, clock, log, keyAgeDaysMax }: WatchDeps): Promise<void> {
  for (const key of await makeWrappedKeyStore(reader).listKeys()) {
    const nowMs = clock.nowMs();
    if (ageWarningOf(key, keyAgeDaysMax, nowMs) === undefined) continue;
    const { organization = 'service', purpose, epoch, createdAtMs } = key;
    const ageDays = Math.floor((nowMs - createdAtMs) / DAY_MS);
    const facts = { organization, purpose, epoch, ageDays, daysLeft: keyAgeDaysMax - ageDays };
    log.warn({ facts }, 'a key grows old: rotate it');
  }
}

async function closedEpochs(reader: Reader) {
  const keys = await makeWrappedKeyStore(reader).listKeys();
  const closed = keys.filter(({ purpose, state }) => purpose === 'token' && state === 'closed');
  return closed.map(({ organization, epoch, seenCount }) => {
    return { organization: String(organization), epoch, seenCount };
  });
}

async function keyAges(reader: Reader, nowMs: number) {
  const newest = new Map<string, { organization: string; purpose: string; createdAtMs: number }>();
  for (const key of await makeWrappedKeyStore(reader).listKeys()) {
    const organization = String(key.organization ?? 'service');
    const { purpose, createdAtMs } = key;
    const name = `${organization} ${purpose}`;
    if ((newest.get(name)?.createdAtMs ?? 0) > createdAtMs) continue;
    newest.set(name, { organization, purpose, createdAtMs });
  }
  return [...newest.values()].map(({ organization, purpose, createdAtMs }) => ({
    organization,
    purpose,
    seconds: Math.max(0, (nowMs - createdAtMs) / 1000),
  }));
}
