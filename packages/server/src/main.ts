#!/usr/bin/env node
import { once } from 'node:events';
import { pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { auditTools } from './audit-tools.ts';
import { budgetTools } from './budget-tools.ts';
import { runCli } from './cli/cli.ts';
import type { Program, RunningService } from './cli/program.ts';
import { type Config, parseConfig, parsePort } from './config.ts';
import { databaseTools } from './database-tools.ts';
import { explainError } from './explain-error.ts';
import { openKeyTools, restoreHome } from './key-tools.ts';
import { makeLog } from './log.ts';
import { settleProcess } from './process-settings.ts';
import { createService, openService, type ServiceOptions } from './service.ts';
import { databaseOf, serviceOptionsOf } from './service-options.ts';
import { simulate } from './simulate.ts';
import { makeTerminal } from './terminal.ts';
import { isWorker, runWorkers } from './workers.ts';

const LOOPBACK = '127.0.0.1';

settleProcess();

try {
  await runCli(makeProgram(parseConfig(process.env)), process.argv);
  if (isWorker()) process.disconnect(); // The channel to the first process would keep this one.
} catch (error) {
  process.stderr.write(`pantoken: ${explainError(error)}\n`);
  process.exitCode = 1;
}

function makeProgram(config: Config): Program {
  const { home, port } = config;
  const errorLog = () => makeLog('error', pino.destination(2));
  const start = async (
    folder: string,
    logFile: string | undefined,
    host: string,
    options: ServiceOptions,
  ) => {
    const destination = pino.destination({ dest: logFile ?? 1, mode: 0o600, sync: true });
    destination.on('error', () => undefined); // A disk that is full must not end the service.
    const log = makeLog(config.logLevel, destination);
    const service = await openService(folder, log, undefined, options);
    process.on('SIGHUP', service.reloadTls); // Without a certificate it does nothing, as it should.
    return {
      async listen(onPort) {
        const { watchPort, watchHost } = config.watch;
        if (watchPort !== undefined) await service.watch.listen(watchPort, watchHost);
        await service.app.listen({ host, port: onPort });
        service.updater.start();
        service.retention.start();
      },
      recordAccountChanges: service.recordAccountChanges,
      register: service.register,
      disableMerchant: service.disableMerchant,
      directory: service.directory,
      updater: service.updater,
      close: service.close,
    } satisfies RunningService;
  };
  const openClosed = (folder: string) =>
    openService(folder, errorLog(), undefined, serviceOptionsOf(config));
  return {
    version: packageJson.version,
    defaults: { home, port },
    parsePort,
    async initService(folder, environment) {
      const options = { ...serviceOptionsOf(config), environment };
      await (await createService(folder, errorLog(), options)).close();
    },
    openOperatorService: (folder) =>
      openService(folder, errorLog(), undefined, serviceOptionsOf(config)),
    openService: (folder, logFile) => start(folder, logFile, config.host, serviceOptionsOf(config)),
    sandbox: {
      createService: (folder) => createService(folder, errorLog(), { environment: 'sandbox' }),
      openService: (folder, logFile) => start(folder, logFile, LOOPBACK, {}),
    },
    simulate,
    terminal: makeTerminal(),
    database: databaseTools(() => databaseOf(config)),
    keys: {
      open: (folder) => openKeyTools(folder, errorLog(), serviceOptionsOf(config)),
      restore: restoreHome,
    },
    audit: auditTools(openClosed),
    budgets: budgetTools(openClosed),
    runWorkers: isWorker()
      ? undefined
      : (count) => runWorkers(count, untilStopped(), makeLog(config.logLevel, pino.destination(1))),
    print: (text) => process.stdout.write(`${text}\n`),
    untilStopped,
  };
}

async function untilStopped(): Promise<void> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}
