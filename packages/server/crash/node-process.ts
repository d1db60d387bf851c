import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SERVER = join(import.meta.dirname, 'server.ts');
const ROTATE = join(import.meta.dirname, 'rotate.ts');
/** A start takes a third of the time when nothing has to be compiled. */
const COMPILE_CACHE = mkdtempSync(join(tmpdir(), 'pantoken-compiled-'));
process.on('exit', () => rmSync(COMPILE_CACHE, { recursive: true, force: true }));

const START_LIMIT_MS = 60_000;

/** A process that changes keys of the service, and may be killed as well. */
export interface KeyProcess {
  kill(): void;
  readonly ended: Promise<number | null>;
}

/** @param job see rotate.ts. */
export function startKeyProcess(home: string, databaseUrl: string, job: string): KeyProcess {
  const args = ['--conditions=pantoken-source', ROTATE, home, databaseUrl, job];
  const child = spawn(process.execPath, args, {
    stdio: 'ignore',
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { kill: () => void child.kill('SIGKILL'), ended };
}

/** A server process that can be killed and started again on the same port. */
export interface NodeProcess {
  readonly url: string;
  start(): Promise<void>;
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  pid(): number;
  jumpClock(offsetMs: number): void;
}

export function makeNodeProcess(
  home: string,
  port: number,
  databaseUrl: string,
  mode: string,
): NodeProcess {
  let child: ChildProcess | undefined;
  const demand = () => {
    if (child?.pid === undefined) throw new Error('the server is not running');
    return child;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    async start() {
      const args = ['--conditions=pantoken-source', SERVER, home, String(port), databaseUrl, mode];
      const started = spawn(process.execPath, args, {
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
      });
      child = started;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('no start')), START_LIMIT_MS);
        started.once('message', () => {
          clearTimeout(timer);
          resolve();
        });
        started.once('exit', (code) => {
          clearTimeout(timer);
          reject(new Error(`the server ended with ${code}`));
        });
      });
    },
    async kill() {
      const killed = demand();
      if (killed.exitCode !== null || killed.signalCode !== null) return;
      const ended = new Promise((resolve) => killed.once('exit', resolve));
      killed.kill('SIGKILL');
      await ended;
    },
    signal: (signal) => void demand().kill(signal),
    pid: () => demand().pid ?? 0,
    jumpClock: (offsetMs) => void demand().send(offsetMs),
  };
}
