import assert, { deepEqual } from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { promisify } from 'node:util';
import { makeEdits } from '../test/harness/audit-edits.ts';
import { makeExport, verifyBytes } from '../test/harness/audit-export.ts';

/** `npm run test:audit-edits` */

const run = promisify(execFile);
const parts = await makeExport(10_000);
const edits = makeEdits(parts);

/** So many edits are judged by the command itself, in a process of its own. */
const COMMAND_COUNT = 60;

it('of an audit export of 10,000 records one edit at every byte is found', (t) => {
  const whole = Buffer.concat([...parts.before, ...parts.blocks.flat(), parts.after]);
  deepEqual(verifyBytes(parts.publicKey, whole).problems, []);
  const startedAt = Date.now();
  for (let at = 0; at < edits.lineCount; at += 600) {
    edits.everyByte(at, Math.min(at + 600, edits.lineCount));
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    process.stderr.write(`${edits.counts.edits} of ${edits.byteCount} bytes, ${seconds} s\n`);
  }
  assert.equal(edits.counts.edits, whole.length);
  t.diagnostic(`${JSON.stringify(edits.counts)} of ${whole.length} bytes`);
});

it('every record removed, doubled and swapped once is found', (t) => {
  const others = makeEdits(parts);
  others.everyRecord(0, others.lineCount);
  deepEqual(others.counts, { edits: 30_000, byItself: 30_000, byEnd: 0 });
  t.diagnostic(JSON.stringify(others.counts));
});

it('the command finds those it is asked about, and judging from the middle is judging the whole', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-edits-'));
  after(() => rmSync(folder, { recursive: true }));
  const bin = join(import.meta.dirname, '../bin/pantoken.ts');
  const [file, key] = [join(folder, 'export.jsonl'), join(folder, 'audit.pem')];
  writeFileSync(key, String(parts.publicKey.export({ type: 'spki', format: 'pem' })));
  const verify = ['audit', 'verify', '--export', file, '--key', key];
  const command = [
    ...process.execArgv.filter((each) => !each.startsWith('--test')),
    bin,
    ...verify,
  ];
  const whole = Buffer.concat([...parts.before, ...parts.blocks.flat(), parts.after]);
  writeFileSync(file, whole);
  await run(process.execPath, command);
  for (let count = 0; count < COMMAND_COUNT; count++) {
    const [line, byte] = [randomInt(edits.lineCount), randomInt(10_000)];
    writeFileSync(file, edits.editedFile(line, byte));
    await assert.rejects(run(process.execPath, command), { code: 1 }, `line ${line}, byte ${byte}`);
    if (count % 6 === 0) edits.demandSame(line, byte);
  }
  t.diagnostic(`${COMMAND_COUNT} edits by the command`);
});
