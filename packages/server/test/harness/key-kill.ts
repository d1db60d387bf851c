import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { demandAllReadable, type KeyHome } from './key-home.ts';

export const KEY_COMMANDS = [
  'rotate',
  'retokenize',
  'rekey-data',
  'rekey-index',
  'rewrap',
] as const;
export type KeyCommand = (typeof KEY_COMMANDS)[number];

const PROCESS = join(import.meta.dirname, 'key-process.ts');

/** Runs a command to its end, or to the SIGKILL it gives itself. */
export function runKeyCommand(
  home: string,
  command: KeyCommand,
  kill: { readonly moment: 'before' | 'after'; readonly commit: number } | undefined,
): { readonly killed: boolean; readonly commitCount: number } {
  const args = [...process.execArgv.filter((each) => !each.startsWith('--test')), PROCESS];
  const given = kill === undefined ? [] : [kill.moment, String(kill.commit)];
  const result = spawnSync(process.execPath, [...args, home, command, ...given], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  if (result.signal === 'SIGKILL') return { killed: true, commitCount: 0 };
  assert.equal(result.status, 0, result.stderr);
  return { killed: false, commitCount: Number(result.stdout) };
}

/**
 * Kills a command before or after each of its commits, each time on a fresh copy of the service;
 * looks at every card; runs the command again to its end, and looks again.
 *
 * @param every 1: each commit, 2: each second one, beginning with the first.
 * @returns how many times it was killed.
 */
export async function killAtEveryStep(
  keyHome: KeyHome,
  command: KeyCommand,
  moments: readonly ('before' | 'after')[],
  every: number,
): Promise<number> {
  let killCount = 0;
  for (const moment of moments) {
    for (let commit = 1; ; commit += every) {
      const home = keyHome.copy();
      const { killed } = runKeyCommand(home, command, { moment, commit });
      if (!killed) break;
      killCount++;
      await demandAllReadable(home, keyHome.cards);
      runKeyCommand(home, command, undefined);
      const counts = await demandAllReadable(home, keyHome.cards);
      if (command === 'retokenize') assert.deepEqual([...counts.keys()], [2]);
    }
  }
  return killCount;
}
