import { deepEqual, ok } from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { readMigrations } from '../src/store/migrations.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

it('docs/adr/README.md has one line for each decision', () => {
  const listed = [...read('docs/adr/README.md').matchAll(/\]\(([^)]+\.md)\)/g)].map(
    ([, file]) => file,
  );
  const decisions = globSync('*.md', { cwd: join(ROOT, 'docs/adr') });
  deepEqual(listed.sort(), decisions.filter((file) => file !== 'README.md').sort());
});

it('ARCHITECTURE.md and docs/scale.md name every table the migrations leave', () => {
  const tables = tablesOf(readMigrations('sqlite').map(({ sql }) => sql));
  ok(tables.size > 20);
  for (const page of ['ARCHITECTURE.md', 'docs/scale.md']) {
    const text = read(page);
    for (const table of tables) ok(text.includes(`\`${table}\``), `${page} does not name ${table}`);
  }
});

it('every link of the documentation leads to a file', () => {
  const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md'], { cwd: ROOT });
  for (const page of pages) {
    for (const [, target = ''] of read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
      const files = globSync(join(page, '..', target), { cwd: ROOT });
      ok(files.length === 1, `${page} links to ${target}`);
    }
  }
});

/** What the steps make, less what later ones drop. */
function tablesOf(steps: readonly string[]): ReadonlySet<string> {
  const tables = new Set<string>();
  for (const [, verb, table = ''] of steps.join('\n').matchAll(/^(create|drop) table (\w+)/gm)) {
    if (verb === 'create') tables.add(table);
    else tables.delete(table);
  }
  return tables;
}
