/**
 * The process in which mutants are tested, one after the other. For each of them the sources and
 * tests are loaded anew, with the mutant in the place of its file: nothing is written anywhere.
 */

import { globSync, readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { type CollectedTest, takeTests } from './collect.ts';

export interface Job {
  /** The file that is changed, and its text; nothing to test the sources as they are. */
  readonly file?: string;
  readonly text?: string;
  /** Tests to run before all others. */
  readonly first: readonly string[];
  /** Processor time of each test on the sources as they are, in ms. */
  readonly costs: Readonly<Record<string, number>>;
}

export interface Verdict {
  /** The test that failed; nothing if none did. */
  readonly by?: string;
  readonly costs: Readonly<Record<string, number>>;
}

/**
 * Left out: whole books of PANs and the Wycheproof cases, which take longer than all others
 * together, and what looks at files only. What only they would notice counts as not noticed.
 */
const LEFT_OUT = ['exhaustive', 'ff1-wycheproof', 'architecture'].map((name) => `${name}.test.ts`);

const SOURCES = new URL('../../src/', import.meta.url).href;
const TEST_FOLDER = new URL('../', import.meta.url).href;

/** What tests get in the place of what they import. */
const REPLACED: Readonly<Record<string, string>> = {
  'node:test': new URL('collect.ts', import.meta.url).href,
  '@noble/ciphers/ff1.js': new URL('remembered-noble.ts', import.meta.url).href,
};

/** How much longer a test may take than on the sources as they are: else it will never end. */
const limitMsOf = (costMs: number) => 500 + 5 * costMs;

/** The first tests under a new version load and compile it. */
const UNKNOWN_COST_MS = 10_000;

let version = 0;
let changed: Job = { first: [], costs: {} };

const stripped = new Map<string, string>();
const limitMs = new Float64Array(new SharedArrayBuffer(8));

registerHooks({
  resolve(specifier, context, nextResolve) {
    const replaced = isOurs(context.parentURL ?? '') ? REPLACED[specifier] : undefined;
    if (replaced !== undefined) return { url: replaced, shortCircuit: true };
    const found = nextResolve(specifier, context);
    const isVersioned = isOurs(found.url) && !found.url.includes('?');
    return isVersioned ? { ...found, url: `${found.url}?${version}` } : found;
  },
  load(url, context, nextLoad) {
    const [path = ''] = url.split('?');
    if (!isOurs(path)) return nextLoad(url, context);
    return { format: 'module', source: textOf(path), shortCircuit: true };
  },
});

// A failure says enough: no smaller example of it. The same inputs in every run.
fc.configureGlobal({ endOnFailure: true, seed: Number(process.env.PANTOKEN_MUTATION_SEED ?? 1) });
new Worker(new URL('watchdog.ts', import.meta.url), { workerData: limitMs }).unref();

process.on('disconnect', () => process.exit());
process.on('message', async (job: Job) => {
  version++;
  changed = job;
  process.send?.(await test(job));
});

async function test({ first, costs }: Job): Promise<Verdict> {
  const found: Record<string, number> = {};
  try {
    allow(UNKNOWN_COST_MS);
    for (const test of inOrder(await loadTests(), first, costs)) {
      const start = processorMs();
      allow(limitMsOf(costs[test.name] ?? UNKNOWN_COST_MS));
      try {
        await test.run();
      } catch {
        return { by: test.name, costs: found };
      }
      found[test.name] = processorMs() - start;
    }
    return { costs: found };
  } catch {
    return { by: 'loading', costs: found };
  } finally {
    limitMs[0] = 0;
  }
}

async function loadTests(): Promise<CollectedTest[]> {
  takeTests();
  const files = globSync('*.test.ts', { cwd: fileURLToPath(TEST_FOLDER) }).sort();
  for (const file of files) {
    if (!LEFT_OUT.includes(file)) await import(`${TEST_FOLDER}${file}?${version}`);
  }
  return takeTests();
}

/** The tests that are asked for, then the cheap ones. */
function inOrder(
  tests: readonly CollectedTest[],
  first: readonly string[],
  costs: Job['costs'],
): CollectedTest[] {
  const rankOf = ({ name }: CollectedTest) => {
    const place = first.indexOf(name);
    return place < 0 ? (costs[name] ?? 0) : place - first.length;
  };
  return tests.toSorted((a, b) => rankOf(a) - rankOf(b));
}

function isOurs(url: string): boolean {
  const isTest = url.startsWith(TEST_FOLDER) && !url.startsWith(`${TEST_FOLDER}mutation/`);
  return url.startsWith(SOURCES) || isTest;
}

function textOf(url: string): string {
  const { file, text } = changed;
  if (text !== undefined && url === `${SOURCES}${file}`) return text;
  let found = stripped.get(url);
  if (found === undefined) {
    found = stripTypeScriptTypes(readFileSync(fileURLToPath(url), 'utf8'));
    stripped.set(url, found);
  }
  return found;
}

/** Lets the watchdog wait for so much more processor time. */
function allow(moreMs: number): void {
  limitMs[0] = processorMs() + moreMs;
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
