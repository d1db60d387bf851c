/**
 * A process that changes keys, and that is killed by SIGKILL right before, during or right after one of
 * its commits: `node key-process.ts <home> <command> <moment> <commit> [PostgreSQL URL]`. Nothing of the
 * product can be told to stop: what stands in between here is put there by this file.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { sqliteIn } from '../../src/opened-home.ts';
import type { Store } from '../../src/store/engine.ts';
import { openStore, type StorePlace } from '../../src/store/place.ts';
import { changeKeys, type KeyCommand } from './key-change.ts';

const [home, command, moment, commitText, url] = process.argv.slice(2);
assert(home !== undefined && command !== undefined);
const killAt = Number(commitText);
let commitCount = 0;

function killMyself(): void {
  process.kill(process.pid, 'SIGKILL');
}

async function openAndKill(place: StorePlace): Promise<Store> {
  const store = await openStore(place);
  const { committer } = store;
  return {
    ...store,
    committer: {
      ...committer,
      async commitBatch(units) {
        commitCount++;
        if (moment === 'before' && commitCount === killAt) killMyself();
        const committing = committer.commitBatch(units);
        // It is on its way by then, and may be kept or not.
        if (moment === 'during' && commitCount === killAt) setImmediate(killMyself);
        const outcomes = await committing;
        if (moment === 'after' && commitCount === killAt) killMyself();
        return outcomes;
      },
    },
  };
}

const database = url === undefined ? sqliteIn(home) : ({ engine: 'postgres', url } as const);
await changeKeys({ home, database }, command as KeyCommand, openAndKill);
