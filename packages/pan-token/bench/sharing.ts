/**
 * What requests would save if those of one turn of the event loop shared a batch: each opens its
 * token alone, or hands it to a queue that is emptied at the end of the turn. In one process and one
 * run, taking turns; processor time of a request, by how many arrive together. Prints a table.
 *
 * @see docs/adr/0005-micro-batching.md
 */

import { randomBytes } from 'node:crypto';
import {
  detokenizeMany,
  epochOf,
  type KeyedFormat,
  type KeySet,
  type OpenedToken,
  openToken,
  parseFormat,
  prepareKey,
  prepareKeys,
  tokenizeMany,
} from '../src/index.ts';
import { randomPan } from '../test/pans.ts';

type Open = (token: string) => OpenedToken | Promise<OpenedToken>;

interface Waiting {
  readonly token: string;
  resolve(opened: OpenedToken): void;
  reject(error: Error): void;
}

const TURNS = 11;
const REQUESTS_A_SAMPLE = 1_024;
const TOGETHER = [1, 2, 4, 16, 64];

const key = prepareKey(1, randomBytes(32));
const keys = prepareKeys([key]);

console.log('format             together   alone us   shared us   saved us');
for (const alphabet of ['alphanumeric', 'numeric'] as const) {
  const format = parseFormat({ alphabet, keepFirst: 6, keepLast: 4 });
  const pans = Array.from({ length: 4_096 }, () => randomPan(16));
  const tokens = tokenizeMany(format, key, pans) as string[];
  const alone: Open = (token) => openToken(format, keys, token);
  const shared = makeShared(format, keys);
  for (const together of TOGETHER) {
    const times: [number[], number[]] = [[], []];
    for (let turn = 0; turn < TURNS; turn++) {
      times[0].push(await sample(alone, tokens, together));
      times[1].push(await sample(shared, tokens, together));
    }
    const [aloneUs, sharedUs] = times.map(median) as [number, number];
    const columns = [together, aloneUs.toFixed(2), sharedUs.toFixed(2)];
    columns.push((aloneUs - sharedUs).toFixed(2));
    const cells = columns.map((column) => String(column).padStart(11)).join('');
    console.log(`${alphabet.padEnd(12)} 6+4${cells}`);
  }
}

/** The queue that a server would need: errors find their way back to the request they belong to. */
function makeShared(format: KeyedFormat, keySet: KeySet): Open {
  let queue: Waiting[] = [];

  function openAll(): void {
    const waiting = queue;
    queue = [];
    const results = detokenizeMany(
      format,
      keySet,
      waiting.map(({ token }) => token),
    );
    for (const [at, { token, resolve, reject }] of waiting.entries()) {
      const pan = results[at] as (typeof results)[number];
      if (typeof pan === 'string') resolve({ pan, epoch: epochOf(format, keySet, token) });
      else reject(pan);
    }
  }

  return (token) =>
    new Promise((resolve, reject) => {
      if (queue.length === 0) setImmediate(openAll);
      queue.push({ token, resolve, reject });
    });
}

/** Gives the processor time of one request, in microseconds. */
async function sample(open: Open, tokens: readonly string[], together: number): Promise<number> {
  const start = process.cpuUsage();
  for (let from = 0; from < REQUESTS_A_SAMPLE; from += together) {
    await Promise.all(tokens.slice(from, from + together).map(async (token) => open(token)));
    // Both ways end a turn of the event loop here.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / REQUESTS_A_SAMPLE;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}
