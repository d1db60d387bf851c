import { deepEqual } from 'node:assert/strict';
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { makeShortHmac } from '../../src/keys/short-hmac.ts';

const keyOf = (bytes: Uint8Array) => createSecretKey(bytes);

describe('the HMAC of short texts', () => {
  it('is that of Node, whatever the key and the text, one after another', () => {
    const keys = fc.uint8Array({ minLength: 1, maxLength: 100 });
    const symbols = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
    const texts = fc.array(fc.string({ unit: symbols, maxLength: 80 }), { maxLength: 5 });
    fc.assert(
      fc.property(keys, texts, (bytes, asked) => {
        const hmac = makeShortHmac(keyOf(bytes));
        for (const text of asked) {
          const expected = createHmac('sha256', keyOf(bytes)).update(text, 'latin1').digest();
          deepEqual(hmac(text), expected);
        }
      }),
    );
  });

  it('is that of RFC 4231, 4.3', () => {
    const hmac = makeShortHmac(keyOf(Buffer.from('Jefe')));
    deepEqual(
      hmac('what do ya want for nothing?').toString('hex'),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it('takes bytes, up to and beyond its room', () => {
    const key = keyOf(Buffer.alloc(32, 7));
    const hmac = makeShortHmac(key, 100);
    for (const length of [0, 1, 99, 100, 101, 300, 5]) {
      const bytes = randomBytes(length);
      deepEqual(hmac(bytes), createHmac('sha256', key).update(bytes).digest());
    }
  });
});
