import assert, { deepEqual } from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  byteEdit,
  demandFound,
  longestBlock,
  makeExport,
  verifyBytes,
} from '../test/harness/audit-export.ts';

const parts = await makeExport(10_000);
const whole = Buffer.concat([...parts.before, ...parts.blocks.flat(), parts.after]);

describe('an audit export of 10,000 records', () => {
  it('shows one edit at every byte position', (t) => {
    deepEqual(verifyBytes(parts.publicKey, whole).problems, []);
    let editCount = 0;
    for (let at = 0; at < longestBlock(parts); at++) {
      for (const phase of [0, 1, 2]) {
        editCount += demandFound(parts, phase, byteEdit(at, at), `byte ${at}`);
      }
    }
    const bodyStart = Buffer.concat(parts.before).length;
    const bodyEnd = whole.length - parts.after.length;
    for (let at = 0; at < whole.length; at++) {
      if (at === bodyStart) at = bodyEnd;
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 + ((at * 31) % 255));
      assert(verifyBytes(parts.publicKey, bytes).problems.length > 0, `byte ${at}`);
      editCount++;
    }
    assert.equal(editCount, whole.length);
    t.diagnostic(`${editCount} edits of ${whole.length} bytes, all found`);
  });
});
