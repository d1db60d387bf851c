/** What the environment says. */
export interface Config {
  /** Folder of the database, the key-encryption key and what else a service keeps. */
  readonly home: string | undefined;
  readonly port: number;
  readonly logLevel: LogLevel;
}

const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const DEFAULT_PORT = 8480;

/** Variables of the test suite: the service does not read them. */
const TEST_PREFIX = 'PANTOKEN_TEST_';

const VARIABLES = ['PANTOKEN_HOME', 'PANTOKEN_PORT', 'PANTOKEN_LOG_LEVEL'];

/**
 * Reads the configuration. Nothing else ever reads the environment.
 *
 * @throws {Error} with every problem at once, by the name of the variable and without its value.
 */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  for (const name of Object.keys(env)) {
    if (!name.startsWith('PANTOKEN_') || name.startsWith(TEST_PREFIX)) continue;
    if (!VARIABLES.includes(name)) {
      problems.push(`${name} is not a variable of Pantoken (those are ${VARIABLES.join(', ')})`);
    }
  }
  const { PANTOKEN_HOME: home, PANTOKEN_PORT: portText, PANTOKEN_LOG_LEVEL: levelText } = env;
  if (home === '') problems.push('PANTOKEN_HOME is empty: name a folder or leave it out');
  const port = portText === undefined ? DEFAULT_PORT : parsePort(portText);
  if (port === undefined) problems.push('PANTOKEN_PORT is not an integer from 1 to 65535');
  const logLevel = LOG_LEVELS.find((level) => level === (levelText ?? 'info'));
  if (logLevel === undefined) problems.push(`PANTOKEN_LOG_LEVEL is not ${LOG_LEVELS.join(', ')}`);
  if (problems.length > 0 || port === undefined || logLevel === undefined) {
    throw new Error(problems.join('\n'));
  }
  return { home, port, logLevel };
}

/** @returns undefined when the text is no TCP port. */
export function parsePort(text: string): number | undefined {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}
