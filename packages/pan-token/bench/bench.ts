/**
 * How fast PAN-TOKENs are made and opened, strings in and strings out, against FF1 of
 * `@noble/ciphers` on the same inputs, and against AES alone, all in one run, taking turns. Prints
 * JSON lines, then tables. Ratios mean something on another machine; nanoseconds do not.
 *
 * Quieter on one core: `taskset -c 1 npm run bench`. Longer: `PANTOKEN_BENCH_SAMPLES=100`.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { randomPan } from '../test/pans.ts';
import type { Kind, Operation, Race } from './contenders.ts';
import type { Reply, Request } from './runner.ts';

interface Result {
  readonly format: string;
  readonly operation: string;
  readonly contender: string;
  readonly nsPerToken: number;
  /** How many times faster than noble. */
  readonly timesNoble?: number;
  /** How many times as long as AES alone: ten blocks for each FF1, in batches of the same size. */
  readonly timesAes?: number;
}

interface Runner {
  readonly child: ChildProcess;
  readonly name: string;
  readonly callsOfOne: number;
  readonly samples: number[];
}

const SAMPLES = Number(process.env.PANTOKEN_BENCH_SAMPLES ?? 11);
const SAMPLE_NS = 15e6;
const OPERATIONS: Operation[] = ['tokenize', 'detokenize'];
const KINDS: Kind[] = ['noble', 'AES alone', 'ours'];
const FORMATS: Race['spec'][] = [
  { alphabet: 'alphanumeric', keepFirst: 6, keepLast: 4 },
  { alphabet: 'alphanumeric', keepFirst: 6, keepLast: 0 },
  { alphabet: 'numeric', keepFirst: 6, keepLast: 4 },
  { alphabet: 'numeric', keepFirst: 8, keepLast: 0 },
];

const keyHex = randomBytes(32).toString('hex');
const pans = Array.from({ length: 65_536 }, () => randomPan(16));

const results: Result[] = [];
for (const spec of FORMATS) {
  for (const operation of OPERATIONS) {
    const found = await race(spec, operation);
    for (const result of found) console.log(JSON.stringify(result));
    results.push(...found);
  }
}
printTables();
printTargets();

async function race(spec: Race['spec'], operation: Operation): Promise<Result[]> {
  const runners = (
    await Promise.all(KINDS.map((kind) => start({ kind, spec, operation, keyHex, pans })))
  ).flat();
  for (let turn = 0; turn < SAMPLES; turn++) {
    for (const runner of runners) {
      const reply = await ask(runner.child, { name: runner.name, sampleNs: SAMPLE_NS });
      if ('nsPerToken' in reply) runner.samples.push(reply.nsPerToken);
    }
  }
  for (const child of new Set(runners.map((runner) => runner.child))) child.disconnect();
  const format = `${spec.alphabet} ${spec.keepFirst}+${spec.keepLast}`;
  return resultsOf(format, operation, runners);
}

async function start(race: Race): Promise<Runner[]> {
  const child = fork(new URL('runner.ts', import.meta.url), { execArgv: process.execArgv });
  const reply = await ask(child, { race });
  const found = 'contenders' in reply ? reply.contenders : [];
  return found.map(({ name, callsOfOne }) => ({ child, name, callsOfOne, samples: [] }));
}

async function ask(child: ChildProcess, request: Request): Promise<Reply> {
  child.send(request);
  const [reply] = (await once(child, 'message')) as [Reply];
  return reply;
}

function resultsOf(format: string, operation: Operation, runners: readonly Runner[]): Result[] {
  const nsOf = new Map(runners.map(({ name, samples }) => [name, median(samples)]));
  const noble = runners.find(({ name }) => name === 'noble') as Runner;
  return runners.map(({ name }) => {
    const nsPerToken = nsOf.get(name) as number;
    const found = { format, operation, contender: name, nsPerToken: round(nsPerToken) };
    if (!name.startsWith('ours')) return found;
    const size = /\d+/.exec(name)?.[0] ?? '1';
    // A walk runs FF1 several times: AES alone has to run as often.
    const aesNs = (nsOf.get(`AES alone, ${size}`) as number) * noble.callsOfOne;
    const nobleNs = nsOf.get('noble') as number;
    return {
      ...found,
      timesNoble: round(nobleNs / nsPerToken),
      timesAes: round(nsPerToken / aesNs),
    };
  });
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

function printTables(): void {
  for (const operation of OPERATIONS) {
    for (const format of new Set(results.map((result) => result.format))) {
      console.log(`\n${`${format}, ${operation}`.padEnd(36)}ns/token   x noble   x AES alone`);
      for (const result of results) {
        if (result.format !== format || result.operation !== operation) continue;
        const { contender, nsPerToken, timesNoble = '', timesAes = '' } = result;
        const columns = [nsPerToken, timesNoble, timesAes].map((value, index) =>
          String(value).padStart(index === 2 ? 14 : 10),
        );
        console.log(`  ${contender.padEnd(32)}${columns.join('')}`);
      }
    }
  }
}

/** The ratios that this package promises itself. */
function printTargets(): void {
  const targets = [
    ['alphanumeric 6+4', 'ours, batch 4096', 'timesNoble', 'at least', 150],
    ['alphanumeric 6+4', 'ours, batch 4096', 'timesAes', 'at most', 10],
    ['numeric 6+4', 'ours, batch 4096', 'timesNoble', 'at least', 100],
    ['numeric 8+0', 'ours, batch 4096', 'timesNoble', 'at least', 150],
    ['alphanumeric 6+4', 'ours, single call', 'timesNoble', 'at least', 3],
    ['alphanumeric 6+4', 'ours, single call', 'timesAes', 'at most', 1.35],
  ] as const;
  console.log('\ntargets');
  for (const [format, contender, ratio, bound, target] of targets) {
    for (const operation of OPERATIONS) {
      const value = results.find(
        (result) =>
          result.format === format &&
          result.operation === operation &&
          result.contender === contender,
      )?.[ratio] as number;
      const isMet = bound === 'at least' ? value >= target : value <= target;
      const line = `${format} ${operation}, ${contender}: ${ratio} ${value}, ${bound} ${target}`;
      console.log(`${isMet ? 'met   ' : 'MISSED'} ${line}`);
    }
  }
}
