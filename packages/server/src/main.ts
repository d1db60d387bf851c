import { once } from 'node:events';
import { pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { runCli } from './cli/cli.ts';
import type { Program, RunningService } from './cli/program.ts';
import { parseConfig, parsePort } from './config.ts';
import { makeLog } from './log.ts';
import { createService, openService } from './service.ts';

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
  const { home, port, logLevel } = parseConfig(process.env);
  return {
    version: packageJson.version,
    defaults: { home, port },
    parsePort,
    createService: (folder) => createService(folder, makeLog('error', pino.destination(2))),
    async openService(folder, logFile): Promise<RunningService> {
      const destination = pino.destination({ dest: logFile ?? 1, mode: 0o600, sync: true });
      const log = makeLog(logLevel, destination);
      const service = await openService(folder, log);
      return {
        async listen(onPort) {
          await service.app.listen({ host: HOST, port: onPort });
        },
        recordAccountChanges: service.recordAccountChanges,
        close: service.close,
      };
    },
    print: (text) => process.stdout.write(`${text}\n`),
    async untilStopped() {
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
    },
  };
}

function explain(error: unknown): string {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is in use; choose another with PANTOKEN_PORT`;
  return message;
}
