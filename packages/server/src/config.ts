import { parseWatch, WATCH_VARIABLES, type WatchConfig } from './config-watch.ts';
import { makeNetworks } from './http/networks.ts';
import { LOOPBACK_TRANSPORT, type Transport } from './http/transport.ts';

/** What the environment says. */
export interface Config {
  /** Folder of the database, the key-encryption key and what else a service keeps. */
  readonly home: string | undefined;
  /** The address to listen on. */
  readonly host: string;
  /** PostgreSQL; undefined: SQLite, a file in the home. */
  readonly database: DatabaseConfig | undefined;
  readonly port: number;
  readonly transport: Transport;
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
  ...['PANTOKEN_HOME', 'PANTOKEN_PORT', 'PANTOKEN_LOG_LEVEL', 'PANTOKEN_HOST'],
  ...['PANTOKEN_TLS_CERT_FILE', 'PANTOKEN_TLS_KEY_FILE', 'PANTOKEN_CLIENT_CERTIFICATES'],
  ...['PANTOKEN_PLAIN_HTTP', 'PANTOKEN_TRUSTED_PROXIES', 'PANTOKEN_CONNECTIONS_MAX'],
  ...['PANTOKEN_REQUESTS_MAX', 'PANTOKEN_DATABASE_URL', 'PANTOKEN_DATABASE_PASSWORD_FILE'],
  ...WATCH_VARIABLES,
];

type Environment = Readonly<Record<string, string | undefined>>;

/** One host or several, with commas between. */
const DATABASE_URL_PATTERN = /^postgres(?:ql)?:\/\/[^\s/?#]+\/[^\s/?#]+(?:\?\S*)?$/;

/**
 * Reads the configuration. Nothing else ever reads the environment.
 *
 * @throws {Error} with every problem at once, by the name of the variable and without its value.
 */
export function parseConfig(env: Environment): Config {
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
  const host = env.PANTOKEN_HOST ?? '127.0.0.1';
  const transport = parseTransport(env, host, problems);
  const database = parseDatabase(env, problems);
  const watch = parseWatch(env, problems);
  if (problems.length > 0 || port === undefined || logLevel === undefined) {
    throw new Error(problems.join('\n'));
  }
  return { home, database, host, port, transport, logLevel, watch };
}

const networks = makeNetworks();

/** Adds to `problems` what is wrong. */
function parseTransport(env: Environment, host: string, problems: string[]): Transport {
  const { PANTOKEN_TLS_CERT_FILE: certFile, PANTOKEN_TLS_KEY_FILE: keyFile } = env;
  const { PANTOKEN_PLAIN_HTTP: plain, PANTOKEN_CLIENT_CERTIFICATES: certificates = 'off' } = env;
  const tls = certFile && keyFile ? { certFile, keyFile } : undefined;
  if (tls === undefined && (certFile !== undefined || keyFile !== undefined)) {
    problems.push('PANTOKEN_TLS_CERT_FILE and PANTOKEN_TLS_KEY_FILE are needed both, or neither');
  }
  if (plain !== undefined && plain !== 'allow') problems.push('PANTOKEN_PLAIN_HTTP is not allow');
  if (tls === undefined && plain !== 'allow' && !isLoopback(host)) {
    problems.push(
      'PANTOKEN_HOST is not loopback: give it TLS, or set PANTOKEN_PLAIN_HTTP=allow if something in front of it has',
    );
  }
  if (!['on', 'off'].includes(certificates)) {
    problems.push('PANTOKEN_CLIENT_CERTIFICATES is not on or off');
  }
  if (certificates === 'on' && tls === undefined) {
    problems.push('PANTOKEN_CLIENT_CERTIFICATES needs TLS');
  }
  const proxies = env.PANTOKEN_TRUSTED_PROXIES?.split(',').map((each) => each.trim()) ?? [];
  if (!proxies.every(networks.isNetwork)) {
    problems.push('PANTOKEN_TRUSTED_PROXIES is not a list of addresses or networks');
  }
  const count = (name: string, fallback: number): number => {
    const text = env[name] ?? String(fallback);
    if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text);
    problems.push(`${name} is not an integer from 1 to 999999`);
    return fallback;
  };
  return {
    ...LOOPBACK_TRANSPORT,
    tls,
    clientCertificates: certificates === 'on' ? 'asked' : 'none',
    trustedProxies: proxies,
    connectionsMax: count('PANTOKEN_CONNECTIONS_MAX', LOOPBACK_TRANSPORT.connectionsMax),
    requestsMax: count('PANTOKEN_REQUESTS_MAX', LOOPBACK_TRANSPORT.requestsMax),
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || networks.includes(['127.0.0.0/8', '::1/128'], host);
}

function parseDatabase(env: Environment, problems: string[]): DatabaseConfig | undefined {
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
