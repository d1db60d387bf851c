import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { type Program, type RunningService, runCli } from './cli/cli.ts';
import { type Config, parseConfig, parsePort } from './config.ts';
import { makeLog } from './log.ts';
import { createService, openService } from './service.ts';
import type { StorePlace } from './store/place.ts';

/** Only loopback: there is no TLS yet. */
const HOST = '127.0.0.1';

process.umask(0o077); // Whatever we write is for our own user only.

try {
  await runCli(makeProgram(), process.argv);
} catch (error) {
  process.stderr.write(`pantoken: ${explain(error)}\n`);
  process.exitCode = 1;
}

function makeProgram(): Program {
  const config = parseConfig(process.env);
  const { home, port, logLevel } = config;
  const database = databaseOf(config);
  return {
    version: packageJson.version,
    defaults: { home, port },
    parsePort,
    createService: (folder) =>
      createService(folder, makeLog('error', pino.destination(2)), { database }),
    async openService(folder, logFile): Promise<RunningService> {
      const destination = pino.destination({ dest: logFile ?? 1, mode: 0o600, sync: true });
      const log = makeLog(logLevel, destination);
      const service = await openService(folder, log, undefined, { database });
      return {
        async listen(onPort) {
          await service.app.listen({ host: HOST, port: onPort });
        },
        close: service.close,
      };
    },
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
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is in use; choose another with PANTOKEN_PORT`;
  return message;
}
