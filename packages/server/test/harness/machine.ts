import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

/**
 * What this machine lacks for a test, for `skip` of node:test; false when it lacks nothing. A
 * developer's machine may have Node and npm only. CI has everything: there the test runs, and fails
 * when something is missing.
 */
export function lacking(...needs: readonly Need[]): string | false {
  if (process.env.CI === 'true') return false;
  const missing = needs.filter((need) => !NEEDS[need]());
  return missing.length > 0 && `needs ${missing.join(' and ')}, which CI has and this machine not`;
}

type Need = 'softhsm2' | 'pkcs11js' | 'strace';

const NEEDS: Readonly<Record<Need, () => boolean>> = {
  softhsm2: () => runs('softhsm2-util', ['--version']),
  pkcs11js: () => loads('pkcs11js'),
  strace: () => runs('strace', ['-V']),
};

function runs(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function loads(name: string): boolean {
  try {
    createRequire(import.meta.url)(name);
    return true;
  } catch {
    return false;
  }
}
