import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresServer } from '../test/harness/postgres.ts';
import type { NodeProcess } from './node-process.ts';
import type { FaultyProxy } from './proxy.ts';
import type { Seeded } from './seeded.ts';

/** What the faults are done to. PostgreSQL and the proxy in front of it are there or both are not. */
export interface Victims {
  readonly server: NodeProcess;
  readonly postgres: PostgresServer | undefined;
  readonly proxy: FaultyProxy | undefined;
  readonly seeded: Seeded;
}

/** Does one bad thing and leaves everything running again. */
export type Fault = (victims: Victims) => Promise<void>;

const killServer: Fault = async ({ server }) => {
  await server.kill();
  await server.start();
};

const stopServer: Fault = async ({ server, seeded }) => {
  server.signal('SIGSTOP');
  await sleep(50 + seeded.below(400));
  server.signal('SIGCONT');
};

const jumpClock: Fault = async ({ server, seeded }) => {
  // Kept answers are told again for 24 hours: no two moments of the harness are further apart.
  for (const hours of [seeded.below(12), -seeded.below(12), 0]) {
    server.jumpClock(hours * 3_600_000);
    await sleep(100);
  }
};

/** What strace does to the system calls of the server for a moment. */
const inject =
  (...injections: readonly string[]): Fault =>
  async ({ server, seeded }) => {
    const options = injections.flatMap((each) => ['-e', `inject=${each}`]);
    const trace = 'trace=pwrite64,fsync,fdatasync';
    const args = ['-f', '-qq', '-o', '/dev/null', '-p', String(server.pid()), '-e', trace];
    const strace = spawn('strace', [...args, ...options], { stdio: 'ignore' });
    const ended = new Promise((resolve) => strace.once('exit', resolve));
    await sleep(300 + seeded.below(300));
    strace.kill('SIGINT');
    await ended;
  };

const killPostgres: Fault = async ({ postgres }) => {
  await postgres?.kill();
  await postgres?.start();
};

const stopPostgres: Fault = async ({ postgres, seeded }) => {
  postgres?.signal('SIGSTOP');
  await sleep(50 + seeded.below(400));
  postgres?.signal('SIGCONT');
};

const dropConnections: Fault = async ({ proxy, seeded }) => {
  for (let times = 1 + seeded.below(5); times > 0; times--) {
    proxy?.drop();
    await sleep(seeded.below(60));
  }
};

const slowConnections: Fault = async ({ proxy, seeded }) => {
  proxy?.slow(10 + seeded.below(60));
  await sleep(300);
  proxy?.slow(0);
};

/** By name, for both engines; a kill is what most cycles do. */
export const FAULTS = {
  'kill server': killServer,
  'stop server': stopServer,
  'jump clock': jumpClock,
  'disk full': inject('pwrite64:error=ENOSPC'),
  'failing fsync': inject('fsync,fdatasync:error=EIO'),
  'slow fsync': inject('fsync,fdatasync:delay_enter=50000'),
  'kill postgres': killPostgres,
  'stop postgres': stopPostgres,
  'drop connections': dropConnections,
  'slow connections': slowConnections,
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** What comes after a kill, in turn with it. */
export const OTHER_FAULTS: Readonly<Record<'sqlite' | 'postgres', readonly FaultName[]>> = {
  sqlite: ['stop server', 'jump clock', 'disk full', 'failing fsync', 'slow fsync'],
  postgres: [
    ...(['stop server', 'jump clock', 'stop postgres', 'drop connections'] as const),
    'slow connections',
  ],
};

export const KILLS: Readonly<Record<'sqlite' | 'postgres', readonly FaultName[]>> = {
  sqlite: ['kill server'],
  postgres: ['kill server', 'kill postgres'],
};
