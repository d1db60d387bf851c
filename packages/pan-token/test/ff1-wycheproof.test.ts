import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ff1Decrypt, ff1Encrypt } from '../src/index.ts';
import { absent, FILE_COUNT, listFiles, readCases } from './wycheproof.ts';

const counts = { valid: 0, small: 0, refused: 0 };

describe('the Wycheproof cases of FF1', { skip: absent }, () => {
  const files = absent === false ? listFiles() : [];

  for (const file of files) {
    it(`hold, call by call: ${file}`, () => {
      for (const { id, radix, key, tweak, message, ciphertext, flags, result } of readCases(file)) {
        const params = { key, radix, tweak };
        const isSmall = flags.includes('SmallMessageSize');
        if (result === 'invalid' || isSmall) {
          throws(() => ff1Encrypt(params, message), /^(Range|Type)Error: (digits|key)/, id);
        }
        if (result === 'invalid') {
          throws(() => ff1Encrypt({ ...params, domainMin: 100 }, message), /^RangeError/, id);
          counts.refused++;
          continue;
        }
        const used = isSmall ? { ...params, domainMin: 100 } : params;
        deepEqual(ff1Encrypt(used, message), ciphertext, id);
        deepEqual(ff1Decrypt(used, ciphertext), message, id);
        counts[isSmall ? 'small' : 'valid']++;
      }
    });
  }

  it('are all there', () => {
    equal(files.length, FILE_COUNT);
    ok(counts.valid > 49_000, `valid ${counts.valid}, refused ${counts.refused}`);
    deepEqual(counts, { valid: 49_102, small: 138, refused: 8_006 });
  });
});
