import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Layout, layoutOf } from '../src/format.ts';
import {
  detokenize,
  epochOf,
  type FormatSpec,
  isPan,
  isTokenShape,
  type KeyedFormat,
  luhnResidue,
  openToken,
  PanTokenError,
  type PanTokenErrorCode,
  parseFormat,
  parseRandomFormat,
  prepareKey,
  prepareKeys,
  tokenize,
  tokenizeMany,
} from '../src/index.ts';
import { TokenKey } from '../src/key.ts';
import { enterSlots, mustGoOn } from '../src/slot.ts';
import { placeText } from '../src/texts.ts';
import { countCall } from '../src/walk.ts';
import { exchangeSlots, makeWindow } from '../src/window.ts';
import { randomPan } from './pans.ts';
import { vectors } from './vectors.ts';

const ALPHANUMERIC = parseFormat({ alphabet: 'alphanumeric', keepFirst: 6, keepLast: 4 });
const NUMERIC = parseFormat({ alphabet: 'numeric', keepFirst: 6, keepLast: 4 });
const KEY = prepareKey(1, new Uint8Array(32).fill(9));
const KEYS = prepareKeys([KEY]);
const PAN = '5402083011223863';

function codeOf(run: () => unknown): PanTokenErrorCode | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof PanTokenError) return error.code;
    throw error;
  }
  return undefined;
}

describe('a token', () => {
  it('is the same for the same format, key and PAN, and another one otherwise', () => {
    equal(tokenize(ALPHANUMERIC, KEY, PAN), tokenize(ALPHANUMERIC, KEY, PAN));
    const made = [
      tokenize(ALPHANUMERIC, KEY, PAN),
      tokenize(ALPHANUMERIC, prepareKey(2, new Uint8Array(32).fill(9)), PAN),
      tokenize(ALPHANUMERIC, prepareKey(1, new Uint8Array(32).fill(8)), PAN),
      tokenize(NUMERIC, KEY, PAN),
      tokenize(parseFormat({ ...ALPHANUMERIC, keepLast: 0 }), KEY, PAN),
      tokenize(parseFormat({ ...ALPHANUMERIC, keepFirst: 0 }), KEY, PAN),
    ];
    equal(new Set(made).size, made.length);
  });

  it('is no PAN: tokenizing it is refused', () => {
    for (const format of [ALPHANUMERIC, NUMERIC]) {
      const token = tokenize(format, KEY, PAN);
      equal(isPan(token), false);
      equal(
        codeOf(() => tokenize(format, KEY, token)),
        'PAN_MALFORMED',
      );
    }
  });

  it('names its epoch before any key is used', () => {
    const keys = prepareKeys([1, 5, 9].map((epoch) => prepareKey(epoch, new Uint8Array(32))));
    for (const format of [ALPHANUMERIC, NUMERIC]) {
      const token = tokenize(format, prepareKey(5, new Uint8Array(32)), PAN);
      equal(epochOf(format, keys, token), 5);
      deepEqual(openToken(format, keys, token), { pan: PAN, epoch: 5 });
    }
  });
});

describe('a refusal', () => {
  it('has a code that tells why a PAN gets no token', () => {
    for (const { pan } of vectors.refusedPans) {
      equal(
        codeOf(() => tokenize(ALPHANUMERIC, KEY, pan)),
        'PAN_MALFORMED',
      );
    }
    for (const wrong of [undefined, null, 5402083011223863, {}, [PAN], new String(PAN)]) {
      equal(
        codeOf(() => tokenize(ALPHANUMERIC, KEY, wrong as string)),
        'PAN_MALFORMED',
      );
      equal(isPan(wrong as string), false);
    }
    const short = randomPan(14);
    equal(
      codeOf(() => tokenize(ALPHANUMERIC, KEY, short)),
      'PAN_LENGTH_NOT_SERVED',
    );
    const only19 = parseFormat({ ...ALPHANUMERIC, panLengths: [19] });
    equal(
      codeOf(() => tokenize(only19, KEY, PAN)),
      'PAN_LENGTH_NOT_SERVED',
    );
    equal(
      codeOf(() => tokenize(only19, KEY, PAN.replace('3', '4'))),
      'PAN_MALFORMED',
    );
  });

  it('has a code that tells why a token does not open', () => {
    const token = tokenize(ALPHANUMERIC, KEY, PAN);
    const cases: [string, PanTokenErrorCode][] = [
      [token.toLowerCase(), 'TOKEN_MALFORMED'],
      [` ${token}`, 'TOKEN_MALFORMED'],
      [`${token}\n`, 'TOKEN_MALFORMED'],
      [PAN, 'TOKEN_MALFORMED'],
      [token.slice(1), 'TOKEN_MALFORMED'],
      [token.replace('A', 'Z'), 'TOKEN_EPOCH_UNKNOWN'],
      [`${token.slice(0, 7)}ZZZZZ${token.slice(12)}`, 'TOKEN_NOT_OURS'],
    ];
    for (const [text, code] of cases) {
      equal(
        codeOf(() => detokenize(ALPHANUMERIC, KEYS, text)),
        code,
      );
      equal(
        codeOf(() => openToken(ALPHANUMERIC, [KEY], text)),
        code,
      );
      if (code === 'TOKEN_NOT_OURS') equal(epochOf(ALPHANUMERIC, KEYS, text), 1);
      else
        equal(
          codeOf(() => epochOf(ALPHANUMERIC, KEYS, text)),
          code,
        );
      equal(isTokenShape(ALPHANUMERIC, text), code !== 'TOKEN_MALFORMED');
    }
    for (const wrong of [undefined, null, 5402083011223863, {}, [token], '', 'A']) {
      equal(
        codeOf(() => detokenize(ALPHANUMERIC, KEYS, wrong as string)),
        'TOKEN_MALFORMED',
      );
      equal(
        codeOf(() => epochOf(ALPHANUMERIC, KEYS, wrong as string)),
        'TOKEN_MALFORMED',
      );
      equal(isTokenShape(ALPHANUMERIC, wrong as string), false);
    }
  });

  it('holds neither the PAN nor the token', () => {
    const token = tokenize(ALPHANUMERIC, KEY, PAN);
    const failures = [
      () => tokenize(ALPHANUMERIC, KEY, `${PAN}0`),
      () => tokenize(parseFormat({ ...ALPHANUMERIC, panLengths: [19] }), KEY, PAN),
      () => detokenize(ALPHANUMERIC, KEYS, token.replace('A', 'Z')),
      () => detokenize(ALPHANUMERIC, KEYS, token.toLowerCase()),
      () => luhnResidue(`${PAN}x`),
      () => tokenize({ ...ALPHANUMERIC }, KEY, PAN),
    ];
    for (const fail of failures) {
      throws(fail, (error: Error) => {
        const text = `${error.message} ${JSON.stringify(error)} ${Object.values(error).join()}`;
        return !/\d{4}|5402/.test(text);
      });
    }
  });

  it('is what a format gets that parseFormat did not make', () => {
    const forged = [
      undefined,
      null,
      {},
      { ...ALPHANUMERIC },
      parseRandomFormat({ alphabet: 'alphanumeric', keepFirst: 6, keepLast: 4 } as FormatSpec),
    ] as unknown as KeyedFormat[];
    for (const format of forged) {
      const refusal = /^TypeError: format must come from parseFormat$/;
      throws(() => tokenize(format, KEY, PAN), refusal);
      throws(() => tokenize(format, KEY, 'no PAN'), refusal);
      throws(() => detokenize(format, KEYS, PAN), refusal);
      throws(() => epochOf(format, KEYS, PAN), refusal);
      throws(() => isTokenShape(format, PAN), refusal);
      throws(() => tokenizeMany(format, KEY, []), refusal);
    }
  });

  it('does not disturb what comes after it', () => {
    const token = tokenize(NUMERIC, KEY, PAN);
    for (let count = 0; count < 3; count++) {
      equal(
        codeOf(() => tokenize(NUMERIC, KEY, PAN.replace('3', '4'))),
        'PAN_MALFORMED',
      );
      equal(
        codeOf(() => detokenize(NUMERIC, KEYS, PAN)),
        'TOKEN_MALFORMED',
      );
      equal(tokenize(NUMERIC, KEY, PAN), token);
      equal(detokenize(NUMERIC, KEYS, token), PAN);
    }
  });
});

describe('the shape of a token', () => {
  const shapes: [FormatSpec, string, boolean][] = [
    [ALPHANUMERIC, '540208A399UI3863', true],
    [ALPHANUMERIC, '540208Z000003863', true],
    [ALPHANUMERIC, '540208AZZZZZ0000', true],
    [ALPHANUMERIC, '040208A399UI3863', false],
    [ALPHANUMERIC, '54020:A399UI3863', false],
    [ALPHANUMERIC, '54020/A399UI3863', false],
    [ALPHANUMERIC, '540208@399UI3863', false],
    [ALPHANUMERIC, '540208[399UI3863', false],
    [ALPHANUMERIC, '540208A39/UI3863', false],
    [ALPHANUMERIC, '540208A39:UI3863', false],
    [ALPHANUMERIC, '540208A39@UI3863', false],
    [ALPHANUMERIC, '540208A39[UI3863', false],
    [ALPHANUMERIC, '540208A399UIA863', false],
    [ALPHANUMERIC, '540208A399UI386/', false],
    [ALPHANUMERIC, '540208A399UI000/', false],
    [ALPHANUMERIC, '540208A399UI00/0', false],
    [ALPHANUMERIC, '540208A399UIé863', false],
    [ALPHANUMERIC, '540208Ł399UI3863', false],
    [{ ...ALPHANUMERIC, keepFirst: 0 }, 'A399UI3863003863', true],
    [{ ...ALPHANUMERIC, keepFirst: 0 }, '0399UI3863003863', false],
    [{ ...ALPHANUMERIC, keepFirst: 0, keepLast: 0 }, 'A399UI38630038ZZ', true],
    [{ ...ALPHANUMERIC, keepLast: 0 }, '540208A399UI38ZZ', true],
    [NUMERIC, '5402085383113863', true],
    [NUMERIC, '0402085383113863', false],
    [NUMERIC, PAN, false],
    [NUMERIC, '54020853831138:3', false],
    [NUMERIC, '54020853831138/3', false],
    [NUMERIC, '540208538311386٣', false],
  ];
  for (const [index, [spec, text, expected]] of shapes.entries()) {
    const { alphabet, keepFirst, keepLast } = spec;
    it(`is looked at symbol by symbol: ${alphabet} ${keepFirst} + ${keepLast} (${index})`, () => {
      const format = parseFormat({ alphabet, keepFirst, keepLast });
      equal(isTokenShape(format, text), expected);
      const code = codeOf(() => detokenize(format, KEYS, text));
      equal(code !== 'TOKEN_MALFORMED', expected, code);
    });
  }

  it('has a place for each symbol, where no neighbour of digits and letters may stand', () => {
    for (const spec of [ALPHANUMERIC, { ...ALPHANUMERIC, keepFirst: 0, keepLast: 0 }, NUMERIC]) {
      const format = parseFormat(spec as FormatSpec);
      const token = tokenize(format, KEY, PAN);
      for (let at = 0; at < token.length; at++) {
        for (const symbol of ['/', ':', '@', '[', '`', 'a', 'z', ' ', '\u0000', '\u007f', 'é']) {
          const text = token.slice(0, at) + symbol + token.slice(at + 1);
          equal(isTokenShape(format, text), false, `${at} ${symbol}`);
        }
      }
    }
  });

  it('is that of a length the format lists', () => {
    const only19 = parseFormat({ ...ALPHANUMERIC, panLengths: [19] });
    ok(isTokenShape(only19, '540208A399UI0003863'));
    equal(isTokenShape(only19, '540208A399UI3863'), false);
    equal(
      codeOf(() => detokenize(only19, KEYS, '540208A399UI3863')),
      'TOKEN_MALFORMED',
    );
  });
});

describe('a walk', () => {
  it('of 1,000 calls is a defect', () => {
    equal(countCall(0), 1);
    equal(countCall(998), 999);
    throws(() => countCall(999), /^Error: a walk of the PAN-TOKEN format did not end$/);
  });

  it('takes its count and its end along into another slot', () => {
    const window = makeWindow(2, 2);
    window.textOfSlot.set([0, 1]);
    window.calls.set([5, 900]);
    window.startSum.set([3, 8]);
    exchangeSlots(window, 1, 0);
    equal(window.calls[0], 900);
    equal(window.startSum[0], 8);
    deepEqual([...window.textOfSlot], [1, 0]);
  });

  it('is counted from its start, and not beyond its end', () => {
    const recipe = TokenKey.makingOf(KEY, layoutOf(NUMERIC, 16) as Layout);
    const window = makeWindow(1, 1);
    placeText(PAN, window.texts);
    window.calls[0] = 77;
    enterSlots(recipe, window, 0, 1);
    const sum = window.startSum[0] as number;
    window.startSum[0] = 10; // What no sum modulo 10 is.
    for (let calls = 1; calls < 1000; calls++) ok(mustGoOn(recipe, window, 0));
    throws(() => mustGoOn(recipe, window, 0), /did not end$/);
    window.startSum[0] = sum;
    equal(mustGoOn(recipe, window, 0), false);
  });
});
