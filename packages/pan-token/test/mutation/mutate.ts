/**
 * Changes one thing of the sources at a time and runs the tests on it: `npm run test:mutation`.
 *
 * A mutant that no test notices must be in MUTATION.md with the reason why it may live; any other
 * one, and any entry there that is none, fails the run. Names of files as arguments limit it.
 */

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Mutant, mutantsOf } from './mutants.ts';

const PACKAGE = join(import.meta.dirname, '../..');
const ROOT = join(PACKAGE, '../..');
const DOCUMENT = join(PACKAGE, 'MUTATION.md');

/**
 * Cheap tests first: most mutants do not survive them. Whole books and the Wycheproof files are left
 * out, since they take too long for what little the others miss.
 */
const STAGES = [
  ['known-answers', 'ff1-standard', 'token', 'luhn', 'epoch', 'format'],
  ['key', 'random-token', 'memory', 'batch'],
  ['ff1', 'properties'],
];

const REPORTER = '--test-reporter=./test/mutation/bail.ts';

/** A mutant that runs so much longer than the original will never end. */
const timeoutMsOf = (originalMs: number) => 10_000 + 4 * originalMs;

const only = process.argv.slice(2);
const copy = makeCopy();
try {
  process.exitCode = run();
} finally {
  rmSync(copy, { recursive: true });
}

function run(): number {
  const timeoutsMs = STAGES.map((names) => {
    const start = Date.now();
    if (!passes(names, 600_000)) throw new Error(`tests fail without any change: ${names}`);
    return timeoutMsOf(Date.now() - start);
  });
  const survives = () => STAGES.every((names, stage) => passes(names, timeoutsMs[stage] as number));
  const files = globSync('src/*.ts', { cwd: PACKAGE })
    .map((path) => basename(path))
    .filter((file) => file !== 'index.ts' && (only.length === 0 || only.includes(file)))
    .sort();
  const survivors: Mutant[] = [];
  let count = 0;
  for (const file of files) {
    const path = join(copy, 'src', file);
    const source = readFileSync(join(PACKAGE, 'src', file), 'utf8');
    const mutants = mutantsOf(file, source);
    const before = survivors.length;
    for (const mutant of mutants) {
      writeFileSync(path, mutant.text);
      if (survives()) {
        survivors.push(mutant);
        console.log(`survives ${describe(mutant)} (line ${mutant.line})`);
      }
    }
    writeFileSync(path, source);
    count += mutants.length;
    console.log(`${file}: ${mutants.length} mutants, ${survivors.length - before} survive`);
  }
  return judge(survivors, count, new Set(files));
}

/** Compares the survivors with the document. */
function judge(survivors: readonly Mutant[], count: number, files: ReadonlySet<string>): number {
  const listed = readListed().filter(({ file }) => files.has(file));
  const found = new Set(survivors.map(describe));
  const known = new Set(listed.map(describe));
  const unknown = [...found].filter((text) => !known.has(text));
  const gone = [...known].filter((text) => !found.has(text));
  for (const text of unknown) console.log(`NOT LISTED ${text}`);
  for (const text of gone) console.log(`LISTED BUT DOES NOT SURVIVE ${text}`);
  const killed = count - survivors.length;
  console.log(`${count} mutants: ${killed} noticed, ${survivors.length} survive`);
  return unknown.length + gone.length === 0 ? 0 : 1;
}

/** The rows of the tables in MUTATION.md: | file | before | after | why |. */
function readListed(): Pick<Mutant, 'file' | 'before' | 'after'>[] {
  const rows = readFileSync(DOCUMENT, 'utf8').matchAll(/^\| (\S+\.ts) \| `(.+?)` \| `(.+?)` \|/gm);
  return Array.from(rows, ([, file = '', before = '', after = '']) => ({
    file,
    before: before.replaceAll('\\|', '|'),
    after: after.replaceAll('\\|', '|'),
  }));
}

function describe({ file, before, after }: Pick<Mutant, 'file' | 'before' | 'after'>): string {
  return `${file}: ${before} => ${after}`;
}

/** Tells whether the tests of a stage pass on the copy as it is. */
function passes(names: readonly string[], timeoutMs: number): boolean {
  const files = names.map((name) => `test/${name}.test.ts`);
  const { status } = spawnSync(
    process.execPath,
    ['--max-old-space-size=2000', '--test', '--test-isolation=none', REPORTER, ...files],
    { cwd: copy, timeout: timeoutMs, killSignal: 'SIGKILL', stdio: 'ignore' },
  );
  return status === 0;
}

function makeCopy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-mutation-'));
  for (const name of ['src', 'test', 'package.json']) {
    cpSync(join(PACKAGE, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}
