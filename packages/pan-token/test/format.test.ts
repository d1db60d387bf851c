import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { layoutTableOf } from '../src/format.ts';
import { type FormatSpec, parseFormat, parseRandomFormat } from '../src/index.ts';

const LENGTHS = [12, 13, 14, 15, 16, 17, 18, 19];

/** By digits kept: the shortest PAN that each engine and alphabet serves. */
const SHORTEST = [
  { keepFirst: 0, keepLast: 0, alphanumeric: 12, numeric: 12, random: 12 },
  { keepFirst: 0, keepLast: 4, alphanumeric: 12, numeric: 12, random: 12 },
  { keepFirst: 6, keepLast: 0, alphanumeric: 12, numeric: 12, random: 12 },
  { keepFirst: 6, keepLast: 4, alphanumeric: 15, numeric: 16, random: 14 },
  { keepFirst: 8, keepLast: 0, alphanumeric: 13, numeric: 14, random: 12 },
  { keepFirst: 8, keepLast: 4, alphanumeric: 17, numeric: 18, random: 16 },
] as const;

const GOOD = { alphabet: 'numeric', keepFirst: 6, keepLast: 4 } as const satisfies FormatSpec;

describe('a format', () => {
  for (const { keepFirst, keepLast, ...shortest } of SHORTEST) {
    it(`serves every length it can when none is listed: ${keepFirst} + ${keepLast}`, () => {
      for (const alphabet of ['alphanumeric', 'numeric'] as const) {
        const keyed = parseFormat({ alphabet, keepFirst, keepLast });
        deepEqual(
          keyed.panLengths,
          LENGTHS.filter((length) => length >= shortest[alphabet]),
        );
        const random = parseRandomFormat({ alphabet, keepFirst, keepLast });
        deepEqual(
          random.panLengths,
          LENGTHS.filter((length) => length >= shortest.random),
        );
      }
    });

    it(`may list any of them, and no other: ${keepFirst} + ${keepLast}`, () => {
      for (const alphabet of ['alphanumeric', 'numeric'] as const) {
        for (const length of LENGTHS) {
          const spec = { alphabet, keepFirst, keepLast, panLengths: [length] };
          const refused = { name: 'PanTokenError', code: 'FORMAT_LENGTH_NOT_SERVABLE' };
          if (length >= shortest[alphabet]) deepEqual(parseFormat(spec).panLengths, [length]);
          else throws(() => parseFormat(spec), refused);
          if (length >= shortest.random) deepEqual(parseRandomFormat(spec).panLengths, [length]);
          else throws(() => parseRandomFormat(spec), refused);
        }
      }
    });
  }

  it('is refused with the domain in the message', () => {
    const refusal = (spec: FormatSpec, parse: (spec: FormatSpec) => unknown) => {
      try {
        parse(spec);
      } catch (error) {
        return (error as Error).message;
      }
      return 'not refused';
    };
    equal(
      refusal({ ...GOOD, panLengths: [16, 15] }, parseFormat),
      'The format cannot serve a PAN length it lists. ' +
        'A PAN of 15 digits leaves FF1 a domain of 10 ** 5, below 1000000.',
    );
    equal(
      refusal(
        { alphabet: 'alphanumeric', keepFirst: 8, keepLast: 4, panLengths: [12] },
        parseFormat,
      ),
      'The format cannot serve a PAN length it lists. ' +
        'A PAN of 12 digits leaves FF1 a domain of 36 ** 0, below 1000000.',
    );
    equal(
      refusal({ ...GOOD, panLengths: [13] }, parseRandomFormat),
      'The format cannot serve a PAN length it lists. ' +
        'A PAN of 13 digits leaves 3 to replace, fewer than 4.',
    );
  });

  it('is frozen, says its engine and sorts its lengths', () => {
    for (const [engine, parse] of [
      ['keyed', parseFormat],
      ['random', parseRandomFormat],
    ] as const) {
      const format = parse({ ...GOOD, panLengths: [19, 16, 17] });
      deepEqual(format, { ...GOOD, engine, panLengths: [16, 17, 19] });
      ok(Object.isFrozen(format) && Object.isFrozen(format.panLengths));
      ok(Object.isFrozen(parse(GOOD).panLengths));
    }
  });

  it('does not change when the list it was made from does', () => {
    const panLengths = [16, 17];
    const format = parseFormat({ ...GOOD, panLengths });
    panLengths.push(18);
    deepEqual(format.panLengths, [16, 17]);
  });

  const bad: [unknown, RegExp][] = [
    [undefined, /^TypeError: format must be an object$/],
    [null, /^TypeError: format must be an object$/],
    ['numeric', /^TypeError: format must be an object$/],
    [{ ...GOOD, alphabet: 'hex' }, /^RangeError: alphabet must be 'numeric' or 'alphanumeric'$/],
    [{ ...GOOD, keepFirst: 5 }, /^RangeError: keepFirst must be 0, 6 or 8$/],
    [{ ...GOOD, keepFirst: '6' }, /^RangeError: keepFirst must be 0, 6 or 8$/],
    [{ ...GOOD, keepLast: 3 }, /^RangeError: keepLast must be 0 or 4$/],
    [{ ...GOOD, keepLast: undefined }, /^RangeError: keepLast must be 0 or 4$/],
    [{ ...GOOD, panLengths: [] }, /^RangeError: panLengths must be a list of at least one length$/],
    [{ ...GOOD, panLengths: 16 }, /^RangeError: panLengths must be a list of at least one length$/],
    [{ ...GOOD, panLengths: [11] }, /^RangeError: panLengths must hold integers from 12 to 19$/],
    [{ ...GOOD, panLengths: [20] }, /^RangeError: panLengths must hold integers from 12 to 19$/],
    [{ ...GOOD, panLengths: [16.5] }, /^RangeError: panLengths must hold integers from 12 to 19$/],
    [{ ...GOOD, panLengths: ['16'] }, /^RangeError: panLengths must hold integers from 12 to 19$/],
    [{ ...GOOD, panLengths: [16, 16] }, /^RangeError: panLengths must not repeat$/],
  ];
  for (const [index, [spec, message]] of bad.entries()) {
    it(`names the field that is wrong: ${message.source} (${index})`, () => {
      throws(() => parseFormat(spec as FormatSpec), message);
      throws(() => parseRandomFormat(spec as FormatSpec), message);
    });
  }
});

describe('the layouts of all formats', () => {
  it('have tweaks and identities that differ wherever their FF1 must', () => {
    const all = SHORTEST.flatMap(({ keepFirst, keepLast }) =>
      (['alphanumeric', 'numeric'] as const).flatMap((alphabet) => {
        const format = parseFormat({ alphabet, keepFirst, keepLast });
        return format.panLengths.map((length) => layoutTableOf(format)[length]);
      }),
    ).filter((layout) => layout !== undefined);
    equal(all.length, 75);
    equal(new Set(all.map(({ id }) => id)).size, all.length);
    ok(all.every(({ id }) => id >= 0 && id < 2048));
    // One key serves all: whatever permutes strings of one length in one radix has its own tweaks.
    const ciphers = all.map(({ tweakHead, radix, length }) => [tweakHead, radix, length].join());
    equal(new Set(ciphers).size, all.length);
    ok(all.every(({ radix, length }) => radix ** length >= 1_000_000));
  });
});
