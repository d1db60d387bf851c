import { deepEqual, equal, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ff1Decrypt,
  ff1DecryptMany,
  ff1Encrypt,
  ff1EncryptMany,
  prepareAesKey,
} from '../src/index.ts';
import { absent, FILE_COUNT, listFiles, readCases, type WycheproofCase } from './wycheproof.ts';

const counts = { valid: 0, small: 0, refused: 0 };

describe('the Wycheproof cases of FF1', { skip: absent }, () => {
  const files = absent === false ? listFiles() : [];

  for (const file of files) {
    it(`hold in both directions, one by one and together: ${file}`, () => {
      for (const wycheproofCase of readCases(file)) {
        if (wycheproofCase.result === 'invalid') checkRefused(wycheproofCase);
        else checkValid(wycheproofCase);
      }
    });
  }

  it('are all there', () => {
    equal(files.length, FILE_COUNT);
    deepEqual(counts, { valid: 49_102, small: 138, refused: 8_006 });
  });
});

function checkValid({ id, key, radix, tweak, message, ciphertext, flags }: WycheproofCase): void {
  const isSmall = flags.includes('SmallMessageSize');
  const usual = { key: prepareAesKey(key), radix, tweak };
  if (isSmall) throws(() => ff1Encrypt(usual, message), /^RangeError: digits: the domain/, id);
  const params = isSmall ? { ...usual, domainMin: 100 } : usual;
  deepEqual(ff1Encrypt(params, message), ciphertext, id);
  deepEqual(ff1Decrypt(params, ciphertext), message, id);
  // Two strings that differ where they can: the second one is what the first one becomes.
  const [once, twice] = ff1EncryptMany(params, [message, ciphertext]);
  deepEqual(once, ciphertext, id);
  deepEqual(ff1DecryptMany(params, [ciphertext, twice as number[]]), [message, ciphertext], id);
  counts[isSmall ? 'small' : 'valid']++;
}

function checkRefused({ id, key, radix, tweak, message }: WycheproofCase): void {
  const refusal = /^RangeError: (digits|list\[0\]|key)/;
  for (const domainMin of [100, 1_000_000]) {
    const params = { key, radix, tweak, domainMin };
    throws(() => ff1Encrypt(params, message), refusal, id);
    throws(() => ff1Decrypt(params, message), refusal, id);
    throws(() => ff1EncryptMany(params, [message]), refusal, id);
    throws(() => ff1DecryptMany(params, [message, message]), refusal, id);
  }
  counts.refused++;
}
