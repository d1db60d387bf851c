import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const SERVER = join(import.meta.dirname, 'server.ts');
const START_LIMIT_MS = 60_000;

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
