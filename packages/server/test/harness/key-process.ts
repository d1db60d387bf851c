/**
 * A process that changes keys, and that is killed by SIGKILL right before or right after one of its
 * commits: `node key-process.ts <home> <command> <before|after> <commit>`. Nothing of the product can
 * be told to stop: what stands in between here is put there by this file.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openKeyTools } from '../../src/key-tools.ts';
import { custodyFileIn } from '../../src/opened-home.ts';
import type { Store } from '../../src/store/engine.ts';
import { openStore, type StorePlace } from '../../src/store/place.ts';
import { KEY_ORGANIZATION } from './key-home.ts';
import { KEY_OPERATOR, NO_REPORT, QUIET } from './key-tools.ts';

const [home, command, moment, commitText] = process.argv.slice(2);
assert(home !== undefined && command !== undefined);
const killAt = Number(commitText);
let commitCount = 0;

async function openAndKill(place: StorePlace): Promise<Store> {
  const store = await openStore(place);
  const { committer } = store;
  return {
    ...store,
    committer: {
      ...committer,
      async commitBatch(units) {
        commitCount++;
        if (moment === 'before' && commitCount === killAt) process.kill(process.pid, 'SIGKILL');
        const outcomes = await committer.commitBatch(units);
        if (moment === 'after' && commitCount === killAt) process.kill(process.pid, 'SIGKILL');
        return outcomes;
      },
    },
  };
}

if (command === 'rewrap') addKek(home);
const tools = await openKeyTools(
  home,
  QUIET,
  { open: openAndKill },
  // The harness looks when this process is dead: there is no node that must notice.
  { pause: async () => undefined },
);
const change = {
  rotate: () => tools.rotate(KEY_OPERATOR, KEY_ORGANIZATION),
  retokenize: () => tools.retokenize(KEY_OPERATOR, KEY_ORGANIZATION, NO_REPORT),
  'rekey-data': () => tools.rekeyData(KEY_OPERATOR, KEY_ORGANIZATION, NO_REPORT),
  'rekey-index': () => tools.rekeyIndex(KEY_OPERATOR, KEY_ORGANIZATION, NO_REPORT),
  rewrap: () => tools.rewrap(KEY_OPERATOR, 'second'),
}[command];
assert(change !== undefined);
await change();
await tools.end();
process.stdout.write(`${commitCount}\n`);

/** A second key-encryption key, as `keys kek add` leaves it. */
function addKek(folder: string): void {
  const path = custodyFileIn(folder);
  const settings = JSON.parse(readFileSync(path, 'utf8'));
  if (settings.keyEncryptionKeys.length > 1) return;
  const second = join(folder, 'second-key');
  copyFileSync(join(folder, 'key-encryption-key'), second);
  writeFileSync(second, `${'5a'.repeat(32)}\n`);
  const added = { id: 'second', provider: 'file', options: { path: 'second-key' } };
  settings.keyEncryptionKeys.push(added);
  writeFileSync(path, JSON.stringify(settings));
}
