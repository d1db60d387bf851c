import { equal } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { detokenizeMany, parseFormat, prepareKey, tokenizeMany } from '../src/index.ts';
import { bookOf } from '../test/book.ts';

const SYMBOLS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

it('of the 60,466,176 strings of one letter exactly the 100,000 tokens open', (test) => {
  const keyBytes = randomBytes(32);
  test.diagnostic(`key ${keyBytes.toString('hex')}`);
  const format = parseFormat({ alphabet: 'alphanumeric', keepFirst: 6, keepLast: 4 });
  const key = prepareKey(2, keyBytes);
  const book = bookOf('540208', '3863');
  const panOf = new Map(
    tokenizeMany(format, key, book).map((token, at) => [token, book[at] as string]),
  );
  const triples = Array.from({ length: 36 ** 3 }, (_, value) =>
    [Math.floor(value / 36 ** 2), Math.floor(value / 36) % 36, value % 36]
      .map((symbol) => SYMBOLS[symbol])
      .join(''),
  );
  let opened = 0;
  let tried = 0;
  for (const first of SYMBOLS) {
    for (const second of SYMBOLS) {
      const strings = triples.map((triple) => `540208B${first}${second}${triple}3863`);
      tried += strings.length;
      for (const [at, result] of detokenizeMany(format, [key], strings).entries()) {
        if (typeof result === 'string') {
          opened++;
          equal(result, panOf.get(strings[at] as string));
        } else {
          equal(result.code, 'TOKEN_NOT_OURS');
        }
      }
    }
  }
  equal(tried, 60_466_176);
  equal(opened, 100_000);
});
