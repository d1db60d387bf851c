import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { runCli } from './cli/cli.ts';
import type { Program, RunningService } from './cli/program.ts';
import { type Config, parseConfig, parsePort } from './config.ts';
import { databaseTools } from './database-tools.ts';
import { Refusal } from './domain/error.ts';
import { describe } from './http/face.ts';
import { makeLog } from './log.ts';
import { createService, openService, type ServiceOptions } from './service.ts';
import type { StorePlace } from './store/place.ts';

const LOOPBACK = '127.0.0.1';

process.umask(0o077); // Whatever we write is for our own user only.

try {
  await runCli(makeProgram(parseConfig(process.env)), process.argv);
} catch (error) {
  process.stderr.write(`pantoken: ${explain(error)}\n`);
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
        await service.app.listen({ host, port: onPort });
      },
      close: service.close,
    } satisfies RunningService;
  };
  return {
    version: packageJson.version,
    defaults: { home, port },
    parsePort,
    async initService(folder) {
      const database = databaseOf(config);
      await (await createService(folder, errorLog(), { database })).close();
    },
    openOperatorService: (folder) =>
      openService(folder, errorLog(), undefined, { database: databaseOf(config) }),
    openService(folder) {
      const { host, transport } = config;
      return start(folder, undefined, host, { database: databaseOf(config), transport });
    },
    sandbox: {
      createService: (folder) => createService(folder, errorLog()),
      openService: (folder, logFile) => start(folder, logFile, LOOPBACK, {}),
    },
    database: databaseTools(() => databaseOf(config)),
    print: (text) => process.stdout.write(`${text}\n`),
    async untilStopped() {
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
    },
  };
}

/** A password file may end with a line end, as editors and `echo` leave it. */
function databaseOf({ database }: Config): StorePlace | undefined {
  if (database === undefined) return undefined;
  const { url, passwordFile } = database;
  const password = passwordFile && readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');
  return { engine: 'postgres', url, password };
}

function explain(error: unknown): string {
  if (error instanceof Refusal) return describe(error);
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is in use; choose another with PANTOKEN_PORT`;
  return message || (code ?? 'unknown error');
}
