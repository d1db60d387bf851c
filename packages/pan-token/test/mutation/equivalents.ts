/**
 * Reads equivalent.txt: the mutants that no test can notice, or none should, and why.
 *
 * A reason stands at the start of a line; under it, indented, the mutants it is the reason of.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Equivalent {
  readonly file: string;
  /** See {@link import('./mutants.ts').Mutant.name}. */
  readonly name: string;
  readonly why: string;
}

export function readEquivalents(): Equivalent[] {
  const text = readFileSync(join(import.meta.dirname, 'equivalent.txt'), 'utf8');
  const found = new Map<string, Equivalent>();
  let why = '';
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (!line.startsWith(' ')) {
      why = line;
      continue;
    }
    const name = line.trim();
    const file = name.slice(0, name.indexOf(':'));
    if (why === '' || found.has(name)) throw new Error(`equivalent.txt: ${name}`);
    found.set(name, { file, name, why });
  }
  return [...found.values()];
}
