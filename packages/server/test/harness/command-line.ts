import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const bin = join(import.meta.dirname, '../../bin/pantoken.ts');

/** An export of the audit log is printed, too. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line on a service as an operator would, with nothing else of our environment. */
export function makeCommandLine(home: string): (...args: string[]) => Promise<Ended> {
  const env = { PATH: process.env.PATH, PANTOKEN_HOME: home };
  const options = { env, maxBuffer: OUTPUT_BYTES_MAX };
  return async (...args) => {
    try {
      const done = await run(process.execPath, [...process.execArgv, bin, ...args], options);
      return { code: 0, out: done.stdout, err: done.stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    }
  };
}
