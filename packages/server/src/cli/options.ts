import { InvalidArgumentError, Option } from 'commander';
import type { Program } from './program.ts';

/** `--home`: the folder of a service. */
export function homeOption({ defaults }: Pick<Program, 'defaults'>, fallback?: string): Option {
  const option = new Option('--home <folder>', 'where its files are (PANTOKEN_HOME)');
  const home = defaults.home ?? fallback;
  return home === undefined ? option : option.default(home);
}

/** `--port`, of the loopback address. */
export function portOption({
  defaults,
  parsePort,
}: Pick<Program, 'defaults' | 'parsePort'>): Option {
  return new Option('--port <number>', 'TCP port (PANTOKEN_PORT)')
    .default(defaults.port)
    .argParser((text) => {
      const port = parsePort(text);
      if (port === undefined) throw new InvalidArgumentError('It is an integer from 1 to 65535.');
      return port;
    });
}

/** More processes than that are a matter for more machines. */
const WORKERS_MAX = 64;

/** `--workers`: processes that share one port. */
export function workersOption(): Option {
  return new Option('--workers <number>', 'processes that share the port')
    .default(1)
    .argParser((text) => {
      const count = /^[0-9]{1,2}$/.test(text) ? Number(text) : 0;
      if (count < 1 || count > WORKERS_MAX) {
        throw new InvalidArgumentError(`It is an integer from 1 to ${WORKERS_MAX}.`);
      }
      return count;
    });
}
