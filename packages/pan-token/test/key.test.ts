import { deepEqual, equal, notEqual, ok, throws } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { type Layout, layoutOf } from '../src/format.ts';
import {
  detokenize,
  epochOf,
  ff1Encrypt,
  type KeySet,
  knownAnswer,
  openToken,
  parseFormat,
  prepareAesKey,
  prepareKey,
  prepareKeys,
  tokenize,
} from '../src/index.ts';
import { TokenKey } from '../src/key.ts';

const PAN = '5402083011223863';
const FORMAT = parseFormat({ alphabet: 'alphanumeric', keepFirst: 6, keepLast: 4 });

describe('a prepared key', () => {
  const bytes = randomBytes(32);
  const key = prepareKey(7, bytes);
  const printed = (value: unknown) =>
    [
      String(value),
      JSON.stringify(value),
      inspect(value, { showHidden: true, depth: 9 }),
      inspect(value, { customInspect: false, showHidden: true, depth: 9 }),
      inspect({ value }, { depth: 9 }),
      JSON.stringify(structuredClone(Object.entries(value as object))),
    ].join('\n');

  it('does not print its bytes, in any way', () => {
    for (const value of [key, prepareAesKey(bytes), prepareKeys([key])]) {
      const text = printed(value)
        .replaceAll(/[\s,<>]/g, '')
        .toLowerCase();
      ok(!text.includes(bytes.toString('hex').slice(0, 8)));
      ok(!text.includes(bytes.toString('base64').slice(0, 8).toLowerCase()));
      ok(!text.includes([...bytes.subarray(0, 4)].join('')));
    }
    equal(String(key), 'TokenKey(epoch 7)');
    equal(JSON.stringify(key), '{"epoch":7}');
    equal(inspect(key), 'TokenKey(epoch 7)');
    equal(String(prepareAesKey(bytes)), 'AesKey(256 bits)');
    equal(inspect(prepareAesKey(bytes.subarray(8))), 'AesKey(192 bits)');
    equal(JSON.stringify(prepareAesKey(bytes.subarray(16))), '"AesKey(128 bits)"');
  });

  it('keeps its own copy of the bytes', () => {
    const mine = Uint8Array.from(bytes);
    const prepared = prepareKey(7, mine);
    mine.fill(0);
    equal(tokenize(FORMAT, prepared, PAN), tokenize(FORMAT, key, PAN));
  });

  it('keeps what it needs for a layout', () => {
    const layout = layoutOf(FORMAT, 16) as Layout;
    equal(TokenKey.makingOf(key, layout), TokenKey.makingOf(key, layout));
    equal(TokenKey.openingOf(key, layout), TokenKey.openingOf(key, layout));
  });

  it('cannot be changed', () => {
    ok(Object.isFrozen(key));
    ok(Object.isFrozen(prepareKeys([key])) && Object.isFrozen(prepareKeys([key]).epochs));
  });

  it('is 32 bytes and an epoch', () => {
    for (const length of [0, 16, 24, 31, 33, 64]) {
      throws(() => prepareKey(1, new Uint8Array(length)), /^RangeError: bytes must be 32 bytes$/);
    }
    for (const wrong of [undefined, 'x'.repeat(32), new Array(32).fill(0), new Uint16Array(16)]) {
      throws(() => prepareKey(1, wrong as never), /^TypeError: bytes must be a Uint8Array$/);
    }
    throws(() => prepareKey(0, bytes), /^RangeError: epoch must be an integer from 1$/);
  });

  it('has a known answer, that another key has not', () => {
    const answer = knownAnswer(key);
    ok(/^555555G[0-9A-Z]{5}4444$/.test(answer));
    equal(knownAnswer(prepareKey(7, bytes)), answer);
    notEqual(knownAnswer(prepareKey(7, bytes.with(0, (bytes[0] as number) ^ 1))), answer);
  });

  it('must come from prepareKey', () => {
    for (const wrong of [undefined, null, {}, bytes, 'key', { ...key }, prepareAesKey(bytes)]) {
      throws(
        () => tokenize(FORMAT, wrong as TokenKey, PAN),
        /^TypeError: key must come from prepareKey$/,
      );
      throws(() => prepareKeys([wrong as TokenKey]), /^TypeError: keys must be a list of keys/);
      throws(() => knownAnswer(wrong as TokenKey), /^TypeError: key must come from prepareKey$/);
    }
  });
});

describe('a key for FF1 alone', () => {
  it('is 16, 24 or 32 bytes', () => {
    for (const length of [0, 8, 15, 17, 31, 33]) {
      throws(() => prepareAesKey(new Uint8Array(length)), /^RangeError: key must be 16, 24 or 32/);
    }
    throws(() => prepareAesKey('0'.repeat(32) as never), /^TypeError: key must be a Uint8Array$/);
  });

  it('gives what its bytes give', () => {
    for (const length of [16, 24, 32]) {
      const bytes = randomBytes(length);
      const params = { radix: 10, tweak: bytes, key: bytes };
      const numerals = [1, 2, 3, 4, 5, 6, 7];
      deepEqual(
        ff1Encrypt({ ...params, key: prepareAesKey(bytes) }, numerals),
        ff1Encrypt(params, numerals),
      );
    }
  });
});

describe('a set of keys', () => {
  const key = (epoch: number) => prepareKey(epoch, new Uint8Array(32).fill(epoch));
  const token = tokenize(FORMAT, key(2), PAN);

  it('names its epochs in order', () => {
    deepEqual(prepareKeys([key(10), key(9), key(2)]).epochs, [2, 9, 10]);
    deepEqual(prepareKeys([]).epochs, []);
  });

  it('opens with the key that the mark names', () => {
    const keys = prepareKeys([key(1), key(2), key(3)]);
    deepEqual(openToken(FORMAT, keys, token), { pan: PAN, epoch: 2 });
    equal(epochOf(FORMAT, keys, token), 2);
    equal(epochOf(FORMAT, [key(2)], token), 2);
  });

  it('opens nothing without that key', () => {
    for (const keys of [prepareKeys([key(1), key(3)]), [key(1)], []]) {
      throws(() => detokenize(FORMAT, keys, token), { code: 'TOKEN_EPOCH_UNKNOWN' });
      throws(() => epochOf(FORMAT, keys, token), { code: 'TOKEN_EPOCH_UNKNOWN' });
    }
  });

  it('is refused where two epochs share a mark, and only there', () => {
    const numeric = parseFormat({ alphabet: 'numeric', keepFirst: 6, keepLast: 4 });
    const sameResidue = prepareKeys([key(2), key(11)]);
    equal(detokenize(FORMAT, sameResidue, token), PAN);
    throws(() => detokenize(numeric, sameResidue, 'any'), {
      code: 'EPOCH_MARK_SHARED',
      message: 'Two living epochs have one mark. Epochs 2, 11, numeric.',
    });
    const sameLetter = prepareKeys([key(2), key(28)]);
    throws(() => epochOf(FORMAT, sameLetter, token), { code: 'EPOCH_MARK_SHARED' });
    equal(detokenize(numeric, sameLetter, tokenize(numeric, key(28), PAN)), PAN);
  });

  it('is refused with one epoch twice', () => {
    throws(() => prepareKeys([key(3), key(3)]), {
      code: 'EPOCH_MARK_SHARED',
      message: 'Two living epochs have one mark. An epoch is there twice.',
    });
  });

  it('must be a list, or come from prepareKeys', () => {
    for (const wrong of [undefined, null, {}, 'keys', key(1), new Set([key(1)])]) {
      throws(() => detokenize(FORMAT, wrong as KeySet, token), /^TypeError: keys must be a list/);
    }
  });
});
