import { deepEqual, equal, ok } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  detokenizeMany,
  isPan,
  isTokenShape,
  luhnResidue,
  parseFormat,
  prepareKey,
  tokenize,
  tokenizeMany,
} from '../src/index.ts';
import { bookOf } from './book.ts';

const keyOf = (epoch: number, seed: string) =>
  prepareKey(epoch, createHash('sha256').update(`${seed} ${epoch}`).digest());

const BOOKS = [
  { first: '540208', last: '3863', epoch: 1, seed: 'a' },
  { first: '100000', last: '0000', epoch: 2, seed: 'b' },
  { first: '999999', last: '9999', epoch: 27, seed: 'c' },
  { first: '411111', last: '1111', epoch: 9, seed: 'd' },
] as const;

describe('a whole book of PANs, 100,000 with one BIN and one last four', () => {
  for (const { first, last, epoch, seed } of BOOKS) {
    const book = bookOf(first, last);

    for (const alphabet of ['alphanumeric', 'numeric'] as const) {
      it(`has as many tokens, none a PAN, and all open: ${first} ${last}, ${alphabet}`, () => {
        const format = parseFormat({ alphabet, keepFirst: 6, keepLast: 4 });
        const key = keyOf(epoch, seed);
        const tokens = tokenizeMany(format, key, book) as string[];
        equal(book.length, 100_000);
        equal(new Set(tokens).size, 100_000);
        for (const token of tokens) {
          ok(token.startsWith(first) && token.endsWith(last) && token.length === 16);
          ok(isTokenShape(format, token) && !isPan(token));
        }
        deepEqual(detokenizeMany(format, [key], tokens), book);
        for (let at = 0; at < book.length; at += 997) {
          equal(tokens[at], tokenize(format, key, book[at] as string));
        }
      });
    }
  }
});

describe('the million strings of the shape of a numeric token', () => {
  it('open exactly where they are tokens of the living epochs', () => {
    const format = parseFormat({ alphabet: 'numeric', keepFirst: 6, keepLast: 4 });
    const keys = [1, 2, 5].map((epoch) => keyOf(epoch, 'million'));
    const book = bookOf('540208', '3863');
    const panOf = new Map<string, string>();
    for (const key of keys) {
      for (const [at, token] of tokenizeMany(format, key, book).entries()) {
        panOf.set(token as string, book[at] as string);
      }
    }
    equal(panOf.size, 300_000, 'tokens of different epochs differ');
    const strings = Array.from(
      { length: 1_000_000 },
      (_, middle) => `540208${String(middle).padStart(6, '0')}3863`,
    );
    const counts: Record<string, number> = {};
    for (const [at, result] of detokenizeMany(format, keys, strings).entries()) {
      const text = strings[at] as string;
      const found = typeof result === 'string' ? 'opened' : result.code;
      counts[found] = (counts[found] ?? 0) + 1;
      equal(typeof result === 'string' ? result : undefined, panOf.get(text));
      if (found === 'TOKEN_MALFORMED') equal(luhnResidue(text), 0);
    }
    deepEqual(counts, { opened: 300_000, TOKEN_MALFORMED: 100_000, TOKEN_EPOCH_UNKNOWN: 600_000 });
  });
});

describe('the strings around an alphanumeric token', () => {
  it('open, if at all, to what they are tokens of', () => {
    const format = parseFormat({ alphabet: 'alphanumeric', keepFirst: 6, keepLast: 4 });
    const keys = [1, 2, 26].map((epoch) => keyOf(epoch, 'around'));
    const book = bookOf('540208', '3863');
    for (const key of keys) {
      const tokens = tokenizeMany(format, key, book.slice(0, 50)) as string[];
      const neighbours = tokens.flatMap((token) =>
        Array.from({ length: 6 * 36 }, (_, index) => {
          const at = 6 + Math.floor(index / 36);
          const symbol = (index % 36).toString(36).toUpperCase();
          return token.slice(0, at) + symbol + token.slice(at + 1);
        }),
      );
      let opened = 0;
      for (const [at, result] of detokenizeMany(format, keys, neighbours).entries()) {
        if (typeof result !== 'string') continue;
        opened++;
        const letter = (neighbours[at] as string).charCodeAt(6) - 64;
        const maker = keys.find(({ epoch }) => epoch === letter);
        ok(maker !== undefined && isPan(result));
        equal(tokenize(format, maker, result), neighbours[at]);
      }
      // Each token is six times among its neighbours; of the others 1 in 605 opens by chance.
      ok(opened >= 300 && opened < 400, String(opened));
    }
  });
});
