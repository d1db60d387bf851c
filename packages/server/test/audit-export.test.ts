import assert, { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  byteEdit,
  demandFound,
  doubleRecord,
  longestBlock,
  makeExport,
  RECORDS_PER_BLOCK,
  removeRecord,
  swapRecord,
  verifyBytes,
} from './harness/audit-export.ts';

const parts = await makeExport(10_000);
const whole = Buffer.concat([...parts.before, ...parts.blocks.flat(), parts.after]);
const problemsOf = (bytes: Buffer) => verifyBytes(parts.publicKey, bytes).problems;

// Every byte of every block is edited in packages/server/test-slow; here every 131st.
const STRIDE = 131;

describe('an audit export of 10,000 records', () => {
  it('verifies as it was written, with its checkpoint', () => {
    const result = verifyBytes(parts.publicKey, whole);
    deepEqual(result.problems, []);
    equal(result.recordCount, 10_000);
    equal(result.checkpointCount, 1);
  });

  it('shows an edited byte, wherever it is', () => {
    let editCount = 0;
    for (let at = 0; at < longestBlock(parts); at += STRIDE) {
      editCount += demandFound(parts, at % 3, byteEdit(at, at), `byte ${at}`);
    }
    assert(editCount > 3_000, `${editCount} edits`);
    for (let at = 0; at < parts.after.length; at += 5) {
      const bytes = Buffer.from(whole);
      const place = whole.length - parts.after.length + at;
      bytes[place] = (bytes[place] ?? 0) ^ 1;
      assert(problemsOf(bytes).length > 0, `byte ${at} of the end`);
    }
  });

  it('shows every record that was removed, doubled or swapped with another', () => {
    let editCount = 0;
    for (let at = 0; at < RECORDS_PER_BLOCK; at++) {
      for (const phase of [0, 1, 2]) {
        editCount += demandFound(parts, phase, removeRecord(at), `record ${at} removed`);
        editCount += demandFound(parts, phase, doubleRecord(at), `record ${at} doubled`);
        editCount += demandFound(parts, phase, swapRecord(at), `record ${at} swapped`);
      }
    }
    equal(editCount, 30_000);
  });

  it('shows blocks that were removed, doubled or swapped', () => {
    const join = (blocks: typeof parts.blocks) =>
      Buffer.concat([...parts.before, ...blocks.flat(), parts.after]);
    for (const at of [0, 1, 777, parts.blocks.length - 1]) {
      const block = parts.blocks.slice(at, at + 1);
      const [front, back] = [parts.blocks.slice(0, at), parts.blocks.slice(at + 1)];
      const found = (blocks: typeof parts.blocks) =>
        problemsOf(join(blocks)).filter(({ chain }) => chain !== '').length;
      assert(found([...front, ...back]) > 0, `block ${at} removed`);
      assert(found([...front, ...block, ...block, ...back]) > 0, `block ${at} doubled`);
      assert(found([...front, ...back.slice(0, 1), ...block, ...back.slice(1)]) > 0 || at > 1_000);
    }
  });

  it('shows a tail that was cut, back to the last checkpoint, and a forged end does not hide it', () => {
    const cut = Buffer.concat([...parts.before, ...parts.blocks.slice(0, -1).flat()]);
    const what = problemsOf(cut).map((problem) => problem.what);
    assert(what.some((each) => /ends at block 1999, but had 2000/.test(each)));
    assert(what.includes('the end of the export is missing'));
  });
});
