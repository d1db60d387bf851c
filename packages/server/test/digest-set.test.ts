import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, it } from 'node:test';
import { makeDigestSet } from '../src/store/digest-set.ts';

describe('a set of digests', () => {
  it('holds what a set of texts holds, while it grows', () => {
    const digests = makeDigestSet();
    const texts = new Set<string>();
    for (let count = 0; count < 20_000; count++) {
      // Few high halves and lower bits that meet, so that places are fought for.
      const [high, low] = [randomInt(4), randomInt(8_000) * 0x400];
      assert.equal(digests.has([high, low]), texts.has(`${high} ${low}`));
      if (count % 2 === 0) {
        digests.add([high, low]);
        texts.add(`${high} ${low}`);
      }
    }
  });

  it('holds the least and the greatest', () => {
    const digests = makeDigestSet();
    for (const half of [0, 2 ** 32 - 1]) {
      assert.equal(digests.has([half, half]), false);
      digests.add([half, half]);
      assert.equal(digests.has([half, half]), true);
    }
  });
});
