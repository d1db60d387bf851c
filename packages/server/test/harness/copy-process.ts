/**
 * A process that copies a database, and kills itself by SIGKILL right before the n-th thing it does to
 * either side: `node copy-process.ts <json>`. What stands in between is put there by this file.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { copyDatabase } from '../../src/store/copy/copy-database.ts';
import { openSide, type Side } from '../../src/store/copy/side.ts';
import type { StorePlace } from '../../src/store/place.ts';

const [text] = process.argv.slice(2);
assert(text !== undefined);
const { from, to, finish, killAt } = JSON.parse(text) as {
  readonly from: StorePlace;
  readonly to: StorePlace;
  readonly finish: boolean;
  readonly killAt: number;
};
let count = 0;

function counted<A extends unknown[], R>(act: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    if (++count === killAt) process.kill(process.pid, 'SIGKILL');
    return act(...args);
  };
}

async function open(place: StorePlace): Promise<Side> {
  const side = await openSide(place);
  return {
    ...side,
    all: counted(side.all),
    each: counted(side.each),
    run: counted(side.run),
    insert: counted(side.insert),
    transaction: (work) => side.transaction(counted(work)),
  };
}

await copyDatabase({ from, to, finish, chunkRows: 50, open }, () => undefined);
process.stdout.write(`${count}\n`);
