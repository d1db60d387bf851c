import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Config } from './config.ts';
import type { ServiceOptions } from './service.ts';
import type { StorePlace } from './store/place.ts';
import { makeWebhook } from './watch/webhook.ts';

/** What the environment tells a service. @throws {Error} when a file is missing or a URL not allowed. */
export function serviceOptionsOf(config: Config): ServiceOptions {
  const { watch } = config;
  const { checkpointUrl, alarmUrl, traceUrl } = watch;
  return {
    database: databaseOf(config),
    transport: config.transport,
    node: watch.node ?? hostname(),
    checkpointFile: watch.checkpointFile,
    checkpointWebhook: checkpointUrl === undefined ? undefined : makeWebhook(checkpointUrl),
    checkpointLimits: { seconds: watch.checkpointSeconds, blocks: watch.checkpointBlocks },
    requestsPerMinute: watch.requestsPerMinute,
    budgetLimits: watch.budgetLimits,
    traceCollector: traceUrl === undefined ? undefined : makeWebhook(traceUrl),
    tracePercent: watch.tracePercent,
    alarmWebhook: alarmUrl === undefined ? undefined : makeWebhook(alarmUrl),
  };
}

/** A password file may end with a line end, as editors and `echo` leave it. */
export function databaseOf({ database }: Config): StorePlace | undefined {
  if (database === undefined) return undefined;
  const { url, passwordFile } = database;
  const password = passwordFile && readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');
  return { engine: 'postgres', url, password };
}
