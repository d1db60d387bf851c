import { setTimeout as sleep } from 'node:timers/promises';
import type { Model } from './model.ts';
import { type KeyProcess, startKeyProcess } from './node-process.ts';
import type { Seeded } from './seeded.ts';

/** One in so many cycles begins a change of keys. */
const CYCLES_PER_CHANGE = 10;

/** Every token key has a letter of its own, and there are 26 of them. */
const ROTATIONS_MAX = 20;

/** Cards deleted by one command. */
const DELETED_AT_ONCE = 10;

/** Changes of keys beside the load, each in a process of its own; half of them are killed. */
export interface Rotations {
  /** Called in each cycle. */
  turn(): Promise<void>;
  /** Lets the jobs that were killed come to their end. @returns whether they did. */
  finish(): Promise<boolean>;
  readonly counts: { begun: number; killed: number; deleted: number };
}

export function makeRotations(
  home: string,
  databaseUrl: string,
  seeded: Seeded,
  model: Model,
): Rotations {
  const counts = { begun: 0, killed: 0, deleted: 0 };
  let cycle = 0;
  let rotations = 0;
  let running: KeyProcess | undefined;

  /** Beside the server; what was asked for and killed may have happened in part. */
  async function deleteSome(): Promise<void> {
    const free = model.cards.filter(({ isEnded, isFirst }) => isFirst && !isEnded);
    const chosen = free.slice(0, DELETED_AT_ONCE);
    if (chosen.length === 0) return;
    for (const card of chosen) {
      card.isEnded = true;
      card.deletion = 'asked';
    }
    const list = chosen.map(({ token }) => token).join(',');
    const process = startKeyProcess(home, databaseUrl, `delete:${list}`);
    if (seeded.below(2) === 0) void sleep(500 + seeded.below(1_500)).then(() => process.kill());
    if ((await process.ended) !== 0) return;
    counts.deleted += chosen.length;
    for (const card of chosen) card.deletion = 'done';
  }

  return {
    counts,
    async turn() {
      cycle++;
      if (cycle % CYCLES_PER_CHANGE === CYCLES_PER_CHANGE / 2) return deleteSome();
      if (cycle % CYCLES_PER_CHANGE !== 0) return;
      await running?.ended;
      const job = seeded.pick(['rotate', 'rekey-data', 'rekey-index']);
      if (job === 'rotate' && ++rotations > ROTATIONS_MAX) return;
      const started = startKeyProcess(home, databaseUrl, job);
      running = started;
      counts.begun++;
      if (seeded.below(2) === 0) {
        counts.killed++;
        const afterMs = 300 + seeded.below(4_000);
        void sleep(afterMs).then(() => started.kill());
      }
    },
    async finish() {
      await running?.ended;
      for (const job of ['rekey-data', 'rekey-index']) {
        if ((await startKeyProcess(home, databaseUrl, job).ended) !== 0) return false;
      }
      return true;
    },
  };
}
