import { equal } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { renderErrorsDoc } from '../scripts/errors-doc.ts';

it('docs/errors.md says what the code does; `npm run docs` writes it anew', () => {
  const path = join(import.meta.dirname, '../../../docs/errors.md');
  equal(readFileSync(path, 'utf8'), renderErrorsDoc());
});
