import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'pantoken-test-'));
after(() => rmSync(folder, { recursive: true }));

it('every commit is with synchronous=FULL in a write-ahead log, on every thread that writes', () => {
  const report = join(folder, 'report');
  const home = join(folder, 'home');
  const spy = join(import.meta.dirname, '../harness/report-pragmas.ts');
  const main = join(import.meta.dirname, '../../src/main.ts');
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--conditions=pantoken-source', `--import=${spy}`, main, 'init', '--home', home],
    { env: { PATH: process.env.PATH, PANTOKEN_TEST_PRAGMAS: report }, encoding: 'utf8' },
  );
  assert.deepEqual([status, stderr], [0, '']);
  const commits = readFileSync(report, 'utf8').trim().split('\n');
  // Those of the migrations on one thread, that of the new keys on another.
  assert(commits.length >= 3, `${commits.length} commits`);
  // 2 is FULL: https://sqlite.org/pragma.html#pragma_synchronous
  assert.deepEqual([...new Set(commits)], ['2 wal']);
  assert.equal(statSync(join(home, 'pantoken.db')).mode & 0o777, 0o600);
});
