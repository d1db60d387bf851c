import { parseWatch, WATCH_VARIABLES, type WatchConfig } from './config-watch.ts';

/** What the environment says. */
export interface Config {
  /** Folder of the database, the key-encryption key and what else a service keeps. */
  readonly home: string | undefined;
  /** PostgreSQL; undefined: SQLite, a file in the home. */
  readonly database: DatabaseConfig | undefined;
  readonly port: number;
  readonly logLevel: LogLevel;
  readonly watch: WatchConfig;
}

/** Its URL may hold a password: it is never printed. */
export interface DatabaseConfig {
  readonly url: string;
  /** A file that holds the password and nothing else; undefined: the URL has it, or none is needed. */
  readonly passwordFile: string | undefined;
}

const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const DEFAULT_PORT = 8480;

/** Variables of the test suite: the service does not read them. */
const TEST_PREFIX = 'PANTOKEN_TEST_';

const VARIABLES = [
  'PANTOKEN_HOME',
  'PANTOKEN_PORT',
  'PANTOKEN_LOG_LEVEL',
  'PANTOKEN_DATABASE_URL',
  'PANTOKEN_DATABASE_PASSWORD_FILE',
  ...WATCH_VARIABLES,
];

/** One host or several, with commas between. */
const DATABASE_URL_PATTERN = /^postgres(?:ql)?:\/\/[^\s/?#]+\/[^\s/?#]+(?:\?\S*)?$/;

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
  const database = parseDatabase(env, problems);
  const watch = parseWatch(env, problems);
  if (problems.length > 0 || port === undefined || logLevel === undefined) {
    throw new Error(problems.join('\n'));
  }
  return { home, database, port, logLevel, watch };
}

function parseDatabase(
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): DatabaseConfig | undefined {
  const { PANTOKEN_DATABASE_URL: url, PANTOKEN_DATABASE_PASSWORD_FILE: passwordFile } = env;
  if (url === undefined) {
    if (passwordFile !== undefined) {
      problems.push('PANTOKEN_DATABASE_PASSWORD_FILE is set without PANTOKEN_DATABASE_URL');
    }
    return undefined;
  }
  if (!DATABASE_URL_PATTERN.test(url)) {
    problems.push('PANTOKEN_DATABASE_URL is not of the form postgres://user@host:5432/database');
  }
  return { url, passwordFile };
}

/** @returns undefined when the text is no TCP port. */
export function parsePort(text: string): number | undefined {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}
