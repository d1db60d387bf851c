import { deepEqual, ok } from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const FILES = globSync('src/**/*.ts', { cwd: ROOT });

describe('this package', () => {
  it('needs nothing at runtime but node:crypto', () => {
    const { dependencies, peerDependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    );
    deepEqual(
      [dependencies, peerDependencies, optionalDependencies],
      [undefined, undefined, undefined],
    );
    const specifiers = FILES.flatMap((file) =>
      Array.from(
        readFileSync(join(ROOT, file), 'utf8').matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g),
        ([, specifier]) => specifier ?? '',
      ),
    );
    ok(specifiers.length > 50);
    const outside = specifiers.filter((specifier) => !/^\.\/[\w-]+\.ts$/.test(specifier));
    deepEqual(new Set(outside), new Set(['node:crypto']));
  });

  it('has files of up to 250 lines and lines of up to 100 columns', () => {
    for (const file of FILES) {
      const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
      ok(lines.length <= 250, `${file}: ${lines.length} lines`);
      ok(
        lines.every((line) => line.length <= 100),
        file,
      );
    }
  });

  it('draws nothing at random, reads no clock and prints nothing', () => {
    for (const file of FILES) {
      const text = readFileSync(join(ROOT, file), 'utf8').replaceAll(
        /^\s*(\/\*\*|\*|\/\/).*$/gm,
        '',
      );
      ok(!/\b(Date|performance|console|process|Math\.random)\b/.test(text), file);
    }
  });
});
