import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { changeKeys, type KeyCommand } from './key-change.ts';
import { demandAllReadable, type KeyHome, type KeyPlace } from './key-home.ts';

/** `during`: when the batch is with the writer, or on its way to the server, and nobody knows. */
export const KILL_MOMENTS = ['before', 'during', 'after'] as const;
export type KillMoment = (typeof KILL_MOMENTS)[number];

const PROCESS = join(import.meta.dirname, 'key-process.ts');

/** @returns false when the command came to its end before the commit it was to be killed at. */
function killKeyCommand(
  { home, database }: KeyPlace,
  command: KeyCommand,
  moment: KillMoment,
  commit: number,
): boolean {
  const args = [...process.execArgv.filter((each) => !each.startsWith('--test')), PROCESS];
  const url = database.engine === 'postgres' ? [database.url] : [];
  const result = spawnSync(
    process.execPath,
    [...args, home, command, moment, String(commit), ...url],
    { encoding: 'utf8', timeout: 120_000 },
  );
  if (result.signal === 'SIGKILL') return true;
  assert.equal(result.status, 0, result.stderr);
  return false;
}

/**
 * Kills a command before, during or after each of its commits, each time on a fresh copy of the service;
 * looks at every card; runs the command again to its end, and looks again.
 *
 * @param every 1: each commit, 2: each second one, beginning with the first.
 * @returns how many times it was killed.
 */
export async function killAtEveryStep(
  keyHome: KeyHome,
  command: KeyCommand,
  moments: readonly KillMoment[],
  every: number,
): Promise<number> {
  let killCount = 0;
  for (const moment of moments) {
    for (let commit = 1; ; commit += every) {
      const place = await keyHome.copyPlace();
      if (!killKeyCommand(place, command, moment, commit)) break;
      killCount++;
      await demandAllReadable(place, keyHome.cards);
      await changeKeys(place, command);
      const counts = await demandAllReadable(place, keyHome.cards);
      if (command === 'retokenize') assert.deepEqual([...counts.keys()], [2]);
    }
  }
  return killCount;
}
