import assert, { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeEdits } from './harness/audit-edits.ts';
import { makeCuts, makeExport, verifyBytes } from './harness/audit-export.ts';

const parts = await makeExport(10_000);
const whole = Buffer.concat([...parts.before, ...parts.blocks.flat(), parts.after]);
const problemsOf = (bytes: Buffer) => verifyBytes(parts.publicKey, bytes).problems;

// `npm run test:audit-edits` edits every byte; here every 131st of each line.
const STRIDE = 131;

describe('an audit export of 10,000 records', () => {
  it('verifies as it was written, with its checkpoint', () => {
    const result = verifyBytes(parts.publicKey, whole);
    deepEqual(result.problems, []);
    equal(result.recordCount, 10_000);
    equal(result.checkpointCount, 1);
  });

  it('is judged from the middle as it is judged whole', () => {
    const edits = makeEdits(parts);
    for (const [index, share] of [0, 0.001, 0.3, 0.77, 0.9999].entries()) {
      edits.demandSame(Math.floor(edits.lineCount * share), 17 + index * 40);
    }
  });

  it('shows an edited byte, wherever it is', () => {
    const edits = makeEdits(parts);
    edits.everyByte(0, edits.lineCount, STRIDE);
    const { counts } = edits;
    assert(counts.edits > 15_000, `${counts.edits} edits`);
    equal(counts.byItself + counts.byEnd, counts.edits);
    assert(counts.byEnd < 10, 'what only the end covers is when it was exported');
  });

  it('shows every record that was removed, doubled or swapped with what is behind it', () => {
    const edits = makeEdits(parts);
    edits.everyRecord(0, edits.lineCount);
    deepEqual(edits.counts, { edits: 30_000, byItself: 30_000, byEnd: 0 });
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

  it('cut anywhere before its checkpoint, with an end that fits what is left, it shows that', async () => {
    const { forgedCut, notes } = await makeCuts(40, 25);
    equal(notes, 1);
    for (let kept = 0; kept < 40; kept++) {
      const { problems } = verifyBytes(forgedCut.publicKey, forgedCut.bytes(kept));
      const isSigned = kept < 25;
      equal(problems.length > 0, isSigned, `${kept} blocks are left`);
      if (isSigned) assert.match(problems[0]?.what ?? '', /but had 25$/);
    }
  });
});
