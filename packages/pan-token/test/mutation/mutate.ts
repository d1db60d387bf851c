/**
 * Changes one thing of the sources at a time and runs the tests on it: `npm run test:mutation`.
 *
 * A mutant that no test notices must be in equivalent.txt with the reason why it may live; any other
 * one, and any entry there that is none, fails the run. Names of files as arguments limit it.
 * `--results=<file>` writes each verdict there as it comes, and takes up again what is there.
 */

import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { readEquivalents } from './equivalents.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { makeJury } from './verdicts.ts';

interface Result {
  /** Of sources, tests and this program. */
  readonly fingerprint: string;
  readonly name: string;
  readonly by?: string | undefined;
}

const PACKAGE = join(import.meta.dirname, '../..');

const { values, positionals } = parseArgs({
  options: { results: { type: 'string' } },
  allowPositionals: true,
});

const fingerprint = fingerprintOfPackage();
const files = globSync('src/*.ts', { cwd: PACKAGE })
  .map((path) => basename(path))
  .filter((file) => positionals.length === 0 || positionals.includes(file))
  .sort();
const known = readResults(values.results);
const equivalents = readEquivalents().filter(({ file }) => files.includes(file));
const jury = await makeJury();
try {
  process.exitCode = (await testFiles()) ? 0 : 1;
} finally {
  jury.end();
}

async function testFiles(): Promise<boolean> {
  const survivors = new Set<string>();
  let total = 0;
  console.log('| file | mutants | noticed | equivalent |\n|---|---|---|---|');
  for (const file of files) {
    const mutants = mutantsOf(file, readFileSync(join(PACKAGE, 'src', file), 'utf8'));
    const before = survivors.size;
    for (const mutant of mutants) {
      const by = known.has(mutant.name) ? known.get(mutant.name) : await testOne(mutant);
      if (by === undefined) survivors.add(mutant.name);
    }
    const left = survivors.size - before;
    total += mutants.length;
    if (mutants.length > 0) console.log(rowOf(file, mutants.length, left));
  }
  console.log(rowOf('all', total, survivors.size));
  return compare(survivors);
}

async function testOne(mutant: Mutant): Promise<string | undefined> {
  const by = await jury.judge(mutant);
  const { name } = mutant;
  const result: Result = { fingerprint, name, by };
  if (values.results !== undefined) appendFileSync(values.results, `${JSON.stringify(result)}\n`);
  return by;
}

function rowOf(name: string, mutants: number, survivors: number): string {
  return `| ${name} | ${mutants} | ${mutants - survivors} | ${survivors} |`;
}

/** Compares the survivors with the list. */
function compare(survivors: ReadonlySet<string>): boolean {
  const listed = new Set(equivalents.map(({ name }) => name));
  const unlisted = [...survivors].filter((name) => !listed.has(name));
  const gone = [...listed].filter((name) => !survivors.has(name));
  for (const name of unlisted) console.log(`NOT LISTED  ${name}`);
  for (const name of gone) console.log(`LISTED, BUT NOTICED OR NOT THERE  ${name}`);
  return unlisted.length + gone.length === 0;
}

function readResults(path: string | undefined): Map<string, string | undefined> {
  if (path === undefined || !existsSync(path)) return new Map();
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  const results = lines.map((line) => JSON.parse(line) as Result);
  return new Map(
    results
      .filter((result) => result.fingerprint === fingerprint)
      .map(({ name, by }) => [name, by]),
  );
}

function fingerprintOfPackage(): string {
  const hash = createHash('sha256');
  for (const path of globSync('{src,test}/**/*.{ts,json}', { cwd: PACKAGE }).sort()) {
    hash.update(path).update(readFileSync(join(PACKAGE, path)));
  }
  return hash.digest('hex').slice(0, 16);
}
