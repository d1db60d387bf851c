import { once } from 'node:events';
import type { Server as TlsServer } from 'node:tls';
import { pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { type Program, type RunningService, runCli } from './cli/cli.ts';
import { type Config, parseConfig, parsePort } from './config.ts';
import { Refusal } from './domain/error.ts';
import { describe } from './http/face.ts';
import { followTlsFiles } from './http/tls.ts';
import { makeLog } from './log.ts';
import { createService, openService } from './service.ts';

const LOOPBACK = '127.0.0.1';

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
  const quiet = () => makeLog('error', pino.destination(2));
  return {
    version: packageJson.version,
    defaults: { home, port },
    parsePort,
    createService: (folder) => createService(folder, quiet()),
    openOperatorService: (folder) => openService(folder, quiet()),
    openService: (folder) => serve(folder, config),
    async openSandbox(folder, logFile): Promise<RunningService> {
      const destination = pino.destination({ dest: logFile, mode: 0o600, sync: true });
      const service = await openService(folder, makeLog(logLevel, destination));
      return {
        listen: async (onPort) => void (await service.app.listen({ host: LOOPBACK, port: onPort })),
        close: service.close,
      };
    },
    print: (text) => process.stdout.write(`${text}\n`),
    async untilStopped() {
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
    },
  };
}

/** As configured, with a certificate that is read anew when its files change or at SIGHUP. */
async function serve(folder: string, config: Config): Promise<RunningService> {
  const { host, transport, logLevel } = config;
  const log = makeLog(logLevel, pino.destination({ dest: 1, sync: true }));
  const { app, close } = await openService(folder, log, undefined, transport);
  const { tls } = transport;
  const following = tls && followTlsFiles(app.server as unknown as TlsServer, tls, log);
  // Without TLS there is nothing to read anew; to end at a SIGHUP would still be a surprise.
  process.on('SIGHUP', () => following?.reload());
  return {
    listen: async (port) => void (await app.listen({ host, port })),
    async close() {
      following?.stop();
      await close();
    },
  };
}

function explain(error: unknown): string {
  if (error instanceof Refusal) return describe(error);
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is in use; choose another with PANTOKEN_PORT`;
  return message;
}
