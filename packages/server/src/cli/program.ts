import { InvalidArgumentError, Option } from 'commander';
import type { DatabaseTools } from './database.ts';
import type { OperatorProgram } from './operator.ts';
import type { SandboxService } from './sandbox.ts';

/** A service that can be started and stopped. */
export interface RunningService {
  listen(port: number): Promise<void>;
  close(): Promise<void>;
}

/** What the commands need of the rest of the program. */
export interface Program extends OperatorProgram {
  readonly version: string;
  readonly defaults: { readonly home: string | undefined; readonly port: number };
  parsePort(text: string): number | undefined;
  /** As configured. Its log goes to standard output. */
  openService(home: string): Promise<RunningService>;
  /** Makes the folder, keys and database of a new service, and leaves it closed. */
  initService(home: string): Promise<void>;
  /** The sandbox keeps all it has in its folder, and listens on loopback, whatever is configured. */
  readonly sandbox: {
    createService(home: string): Promise<SandboxService>;
    openService(home: string, logFile: string): Promise<RunningService>;
  };
  readonly database: DatabaseTools;
  /** Resolves when a person or the system wants the program to end. */
  untilStopped(): Promise<void>;
}

/** `--home`, which $PANTOKEN_HOME stands in for. */
export function homeOption({ defaults }: Program, fallback?: string): Option {
  const option = new Option('--home <folder>', 'where its files are (PANTOKEN_HOME)');
  const home = defaults.home ?? fallback;
  return home === undefined ? option : option.default(home);
}

/** `--port`, which $PANTOKEN_PORT stands in for. */
export function portOption({ defaults, parsePort }: Program): Option {
  return new Option('--port <number>', 'TCP port (PANTOKEN_PORT)')
    .default(defaults.port)
    .argParser((text) => {
      const port = parsePort(text);
      if (port === undefined) throw new InvalidArgumentError('It is an integer from 1 to 65535.');
      return port;
    });
}
