import { deepEqual, equal, notEqual, ok, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  detokenize,
  detokenizeMany,
  type ManyResult,
  PanTokenError,
  parseFormat,
  prepareKey,
  prepareKeys,
  type TokenKey,
  tokenize,
  tokenizeMany,
} from '../src/index.ts';
import { WINDOW_TEXTS } from '../src/window.ts';
import { randomPan } from './pans.ts';

const ALL = parseFormat({ alphabet: 'alphanumeric', keepFirst: 0, keepLast: 4 });
const ALPHANUMERIC = parseFormat({ alphabet: 'alphanumeric', keepFirst: 6, keepLast: 4 });
const NUMERIC = parseFormat({ alphabet: 'numeric', keepFirst: 6, keepLast: 4 });
const KEYS = [1, 2, 3, 4].map((epoch) => prepareKey(epoch, new Uint8Array(32).fill(epoch)));
const KEY = KEYS[0] as TokenKey;

const codeOrText = (result: ManyResult | undefined) =>
  result instanceof PanTokenError ? result.code : result;

describe('many PANs at once', () => {
  it('do not meet what an earlier part of the list left behind', () => {
    const keys = Array.from({ length: 26 }, (_, index) =>
      prepareKey(index + 1, new Uint8Array(32).fill(index)),
    );
    // Tokens by their shape, which open to nothing: what is left of them may look like others.
    const before = Array.from({ length: WINDOW_TEXTS }, (_, index) => {
      const symbols = ((index * 7_368_787) % 36 ** 5).toString(36).toUpperCase();
      return `540208A${symbols.padStart(5, '0')}3863`;
    });
    const pans = Array.from({ length: 60 }, () => randomPan(16));
    const tokens = pans.map((pan, index) =>
      tokenize(ALPHANUMERIC, keys[index % 26] as TokenKey, pan),
    );
    for (let count = 50; count <= pans.length; count++) {
      const list = [...before, ...tokens.slice(0, count)];
      const opened = detokenizeMany(ALPHANUMERIC, keys, list).slice(WINDOW_TEXTS);
      deepEqual(opened.map(codeOrText), pans.slice(0, count));
    }
  });

  it('may stand next to what is bad, whatever they keep', () => {
    for (const alphabet of ['alphanumeric', 'numeric'] as const) {
      const format = parseFormat({ alphabet, keepFirst: 0, keepLast: 0 });
      const pans = Array.from({ length: 20 }, () => randomPan(16));
      const tokens = tokenizeMany(format, KEY, pans) as string[];
      const mixed = tokens.flatMap((token) => [token, token.replace(/.$/, 'x')]);
      deepEqual(
        detokenizeMany(format, [KEY], mixed).map(codeOrText),
        pans.flatMap((pan) => [pan, 'TOKEN_MALFORMED']),
      );
    }
  });

  it('may be more than a window holds, of all lengths, good and bad', () => {
    const pans = Array.from({ length: 2 * WINDOW_TEXTS + 77 }, (_, index) => {
      const pan = randomPan(12 + (index % 8));
      return index % 37 === 5 ? pan.replace(/.$/, 'x') : pan;
    });
    const tokens = tokenizeMany(ALL, KEY, pans);
    equal(tokens.length, pans.length);
    for (const [index, pan] of pans.entries()) {
      const expected = index % 37 === 5 ? 'PAN_MALFORMED' : tokenize(ALL, KEY, pan);
      equal(codeOrText(tokens[index]), expected);
    }
    const opened = detokenizeMany(ALL, [KEY], tokens as string[]);
    for (const [index, pan] of pans.entries()) {
      equal(codeOrText(opened[index]), index % 37 === 5 ? 'TOKEN_MALFORMED' : pan);
    }
  });

  it('may fill one window to the last byte, and go one further', () => {
    for (const count of [WINDOW_TEXTS - 1, WINDOW_TEXTS, WINDOW_TEXTS + 1]) {
      const pans = Array.from({ length: count }, () => randomPan(19));
      const tokens = tokenizeMany(ALL, KEY, pans) as string[];
      for (const at of [0, 1, 4095, 4096, count - 2, count - 1]) {
        equal(tokens[at], tokenize(ALL, KEY, pans[at] as string));
      }
      deepEqual(detokenizeMany(ALL, [KEY], tokens), pans);
    }
  });

  it('may hold one text that is not ASCII anywhere, in a window filled to the last byte', () => {
    const pans = Array.from({ length: WINDOW_TEXTS }, () => randomPan(19));
    for (const bad of ['４', 'é', 'ÿ', '\u{1F4B3}', '\uD83D', '\u0000']) {
      for (const at of [0, 1, WINDOW_TEXTS - 1]) {
        const text = (pans[at] as string).slice(bad.length) + bad;
        const tokens = tokenizeMany(ALL, KEY, pans.with(at, text));
        equal(codeOrText(tokens[at]), 'PAN_MALFORMED');
        const next = at === 0 ? 1 : at - 1;
        equal(tokens[next], tokenize(ALL, KEY, pans[next] as string));
        equal(tokens.filter((token) => typeof token === 'string').length, WINDOW_TEXTS - 1);
      }
    }
  });

  it('may hold two that are not ASCII, which just fill a window but for one character', () => {
    const pans = Array.from({ length: WINDOW_TEXTS }, () => randomPan(19));
    const end = WINDOW_TEXTS - 1;
    // All bytes but the last four are as many as there are characters.
    const list = pans.map((pan, at) => {
      if (at === 0) return `４${pan.slice(1)}`;
      return at === end ? `${pan.slice(2)}\u{1F4B3}` : pan;
    });
    const tokens = tokenizeMany(ALL, KEY, list);
    deepEqual([codeOrText(tokens[0]), codeOrText(tokens[end])], Array(2).fill('PAN_MALFORMED'));
    deepEqual(tokens.slice(1, end), tokenizeMany(ALL, KEY, pans).slice(1, end));
  });

  it('may all be bad, or none there at all', () => {
    deepEqual(tokenizeMany(ALL, KEY, []), []);
    deepEqual(detokenizeMany(ALL, KEYS, []), []);
    const bad = ['', 'x', 4111 as never, undefined as never, new Array(3)[0], '1'.repeat(1e6)];
    deepEqual(
      tokenizeMany(ALL, KEY, bad).map(codeOrText),
      bad.map(() => 'PAN_MALFORMED'),
    );
    deepEqual(
      detokenizeMany(ALL, KEYS, bad).map(codeOrText),
      bad.map(() => 'TOKEN_MALFORMED'),
    );
    deepEqual(tokenizeMany(ALL, KEY, new Array(2)).map(codeOrText), Array(2).fill('PAN_MALFORMED'));
  });

  it('are refused by code, one by one', () => {
    const pan = randomPan(16);
    const token = tokenize(ALPHANUMERIC, KEY, pan);
    deepEqual(tokenizeMany(ALPHANUMERIC, KEY, [pan, randomPan(12), token, 'no']).map(codeOrText), [
      token,
      'PAN_LENGTH_NOT_SERVED',
      'PAN_MALFORMED',
      'PAN_MALFORMED',
    ]);
    const notOurs = `${token.slice(0, 7)}ZZZZZ${token.slice(12)}`;
    const list = [token.replace('A', 'Z'), notOurs, pan, token, token.slice(4)];
    deepEqual(detokenizeMany(ALPHANUMERIC, KEYS, list).map(codeOrText), [
      'TOKEN_EPOCH_UNKNOWN',
      'TOKEN_NOT_OURS',
      'TOKEN_MALFORMED',
      pan,
      'TOKEN_MALFORMED',
    ]);
    for (const text of list) {
      const [alone] = detokenizeMany(ALPHANUMERIC, KEYS, [text]);
      deepEqual(
        codeOrText(alone),
        codeOrText(detokenizeMany(ALPHANUMERIC, KEYS, list)[list.indexOf(text)]),
      );
    }
  });

  it('share one frozen refusal of each code, without a stack', () => {
    const [first, second] = tokenizeMany(ALL, KEY, ['x', 'y']);
    ok(first instanceof PanTokenError && first === second);
    const wrongDigit = randomPan(16).replace(/.$/, (digit) => String(9 - Number(digit)));
    deepEqual(
      tokenizeMany(ALL, KEY, [wrongDigit, 'x']).map((found) => found === first),
      [true, true],
    );
    ok(Object.isFrozen(first));
    equal(first.stack, `PanTokenError: ${first.message}`);
    throws(
      () => tokenize(ALL, KEY, 'x'),
      (error) => error !== first && !Object.isFrozen(error),
    );
    notEqual(codeOrText(detokenizeMany(ALL, KEYS, ['x'])[0]), first.code);
  });

  it('open with the keys of their epochs, in one call', () => {
    for (const format of [ALL, ALPHANUMERIC, NUMERIC]) {
      const pans = Array.from({ length: 1000 }, (_, index) =>
        randomPan(format.panLengths[index % format.panLengths.length] as number),
      );
      const tokens = pans.map((pan, index) => tokenize(format, KEYS[index % 4] as TokenKey, pan));
      deepEqual(detokenizeMany(format, prepareKeys(KEYS), tokens), pans);
    }
  });

  it('walk together for as long as each must, whoever ends first', () => {
    for (const { length, ...spec } of [
      { keepFirst: 6, keepLast: 4, length: 16 },
      { keepFirst: 0, keepLast: 0, length: 16 },
      { keepFirst: 8, keepLast: 4, length: 18 },
      { keepFirst: 6, keepLast: 0, length: 12 },
    ] as const) {
      const pans = Array.from({ length: WINDOW_TEXTS + 1000 }, () => randomPan(length));
      const format = parseFormat({ alphabet: 'numeric', ...spec });
      const tokens = tokenizeMany(format, KEY, pans) as string[];
      deepEqual(detokenizeMany(format, [KEY], tokens), pans);
      for (let at = 0; at < pans.length; at += 97) {
        equal(tokens[at], tokenize(format, KEY, pans[at] as string));
        equal(detokenize(format, [KEY], tokens[at] as string), pans[at]);
      }
    }
  });

  it('are read once each, even by a list that answers with other things every time', () => {
    const pans = Array.from({ length: 20 }, () => randomPan(16));
    const reads: string[] = [];
    const list = new Proxy(pans, {
      get(target, name, receiver) {
        if (typeof name === 'string' && /^\d+$/.test(name)) {
          reads.push(name);
          // Reading runs the caller's code, and that may call us.
          equal(tokenizeMany(NUMERIC, KEY, pans).length, 20);
          equal(tokenize(NUMERIC, KEY, pans[0] as string).length, 16);
        }
        return Reflect.get(target, name, receiver);
      },
    });
    deepEqual(tokenizeMany(NUMERIC, KEY, list), tokenizeMany(NUMERIC, KEY, pans));
    deepEqual(reads, Object.keys(pans));
  });

  it('survive an element that throws when it is read', () => {
    const list = new Proxy(['x'], {
      get(target, name) {
        if (name === '0') throw new Error('mine');
        return Reflect.get(target, name);
      },
    });
    throws(() => tokenizeMany(ALL, KEY, list), /^Error: mine$/);
    const pan = randomPan(16);
    equal(tokenizeMany(ALL, KEY, [pan])[0], tokenize(ALL, KEY, pan));
  });

  it('come in an array, with a key and keys from here', () => {
    for (const wrong of [undefined, null, 'text', { length: 1 }, new Set(['x'])]) {
      throws(() => tokenizeMany(ALL, KEY, wrong as never), /^TypeError: pans must be an array$/);
      throws(
        () => detokenizeMany(ALL, KEYS, wrong as never),
        /^TypeError: tokens must be an array$/,
      );
    }
    throws(
      () => tokenizeMany(ALL, {} as TokenKey, []),
      /^TypeError: key must come from prepareKey$/,
    );
    throws(() => detokenizeMany(ALL, {} as never, []), /^TypeError: keys must be a list of keys/);
    throws(
      () => tokenizeMany({} as never, KEY, []),
      /^TypeError: format must come from parseFormat$/,
    );
    throws(() => detokenizeMany({} as never, KEYS, []), /^TypeError: format must come from/);
  });
});
