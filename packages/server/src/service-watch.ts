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
import { makeWatchServer, type Readiness } from './watch/watch-server.ts';

export interface WatchDeps {
  readonly metrics: Metrics;
  readonly audit: Audit;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly log: Logger;
  readonly keyAgeDaysMax: number;
}

/** Keys that grow old are warned of at the start, and once a day. */
const WARN_EVERY_MS = 24 * 60 * 60 * 1000;

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
  const server = makeWatchServer({ metrics, check: () => check(reader, audit) });
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

async function check(reader: Reader, audit: Audit): Promise<Readiness> {
  const missing: string[] = [];
  try {
    await reader.read('findDirectoryVersion', []);
  } catch {
    missing.push('database');
  }
  if (!audit.isWritable()) missing.push('audit log');
  return { missing, degraded: audit.losses().length > 0 ? ['changes: restore not accepted'] : [] };
}

async function warnOfOldKeys({ reader, clock, log, keyAgeDaysMax }: WatchDeps): Promise<void> {
  for (const key of await makeWrappedKeyStore(reader).listKeys()) {
    const warning = ageWarningOf(key, keyAgeDaysMax, clock.nowMs());
    if (warning !== undefined) log.warn(warning);
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
