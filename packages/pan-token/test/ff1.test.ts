import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { FF1 } from '@noble/ciphers/ff1.js';
import { planFor } from '../src/ff1-plan.ts';
import {
  type Ff1Params,
  ff1Decrypt,
  ff1DecryptMany,
  ff1Encrypt,
  ff1EncryptMany,
} from '../src/index.ts';

const KEY = new Uint8Array(32).fill(7);
const TWEAK = Uint8Array.of(1, 2, 3);
const PARAMS = { key: KEY, radix: 10, tweak: TWEAK };
const TEN = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Numerals that are the same in every run. */
function numerals(radix: number, length: number, seed: string): number[] {
  const digest = createHash('shake256', { outputLength: 4 * length })
    .update(seed)
    .digest();
  return Array.from({ length }, (_, index) => digest.readUInt32BE(4 * index) % radix);
}

function checkAgainstNoble(radix: number, length: number, tweak: Uint8Array): void {
  const noble = FF1(radix, KEY, tweak);
  const list = [
    new Array<number>(length).fill(0),
    new Array<number>(length).fill(radix - 1),
    numerals(radix, length, `${radix} ${length}`),
  ];
  const params = { key: KEY, radix, tweak };
  const made = ff1EncryptMany(params, list);
  deepEqual(
    made,
    list.map((item) => noble.encrypt(item)),
    `${radix} ${length}`,
  );
  deepEqual(ff1DecryptMany(params, made), list, `${radix} ${length}`);
  const [, all] = list as [number[], number[]];
  deepEqual(ff1Encrypt(params, all), made[1], `${radix} ${length}`);
  deepEqual(ff1Decrypt(params, made[1] as number[]), all, `${radix} ${length}`);
}

describe('FF1 in Numbers and in BigInt', () => {
  it('changes from one arithmetic to the next at the moduli that were worked out', () => {
    const arithmeticOf = (radix: number, length: number) => planFor(radix, length).arithmetic;
    equal(arithmeticOf(2, 42), 'narrow'); // A right half of 21 bits.
    equal(arithmeticOf(2, 43), 'medium');
    equal(arithmeticOf(2, 64), 'medium');
    equal(arithmeticOf(2, 65), 'wide');
    equal(arithmeticOf(2, 100), 'wide');
    equal(arithmeticOf(2, 101), 'big');
    equal(arithmeticOf(65_536, 2), 'narrow');
    equal(arithmeticOf(65_536, 4), 'medium');
    equal(arithmeticOf(65_536, 6), 'wide');
    equal(arithmeticOf(65_536, 7), 'big');
    equal(arithmeticOf(36, 18), 'wide'); // The longest of any PAN-TOKEN.
  });

  it('agrees with noble on bit strings of every length, up to halves of three blocks', () => {
    for (let length = 20; length <= 290; length++) checkAgainstNoble(2, length, TWEAK);
  });

  it('agrees with noble around the edges of the arithmetic, in other radices', () => {
    for (const radix of [3, 5, 10, 26, 36, 62, 100, 255, 1000, 4095, 46_340, 65_535]) {
      for (let length = 2; length <= 40; length++) {
        if (radix ** length >= 1_000_000) checkAgainstNoble(radix, length, TWEAK);
      }
    }
  });

  it('agrees with noble on tweaks that fill blocks in every way', () => {
    for (let size = 0; size <= 50; size++) {
      const tweak = new Uint8Array(size).fill(size);
      for (const [radix, length] of [
        [10, 6],
        [36, 9],
        [36, 18],
        [10, 40],
        [256, 30],
        [256, 32],
        [65_535, 70],
      ] as const) {
        checkAgainstNoble(radix, length, tweak);
      }
    }
  });

  it('counts lengths modulo 256 where the standard does, and in four bytes where it does', () => {
    for (const [radix, length] of [
      [10, 511],
      [10, 512],
      [10, 513],
      [2, 600],
      [40_000, 300],
    ] as const) {
      checkAgainstNoble(radix, length, new Uint8Array(300));
    }
  });

  it('takes radix 65536, that noble does not take, and gives back what it took', () => {
    for (const length of [2, 3, 4, 6, 7, 100, 4096]) {
      const params = { key: KEY, radix: 65_536, tweak: TWEAK };
      const given = Uint16Array.from(numerals(65_536, length, 'wide'));
      const made = ff1Encrypt(params, given);
      deepEqual(ff1Decrypt(params, made), given);
      deepEqual(ff1EncryptMany(params, [given, made])[0], made);
    }
  });
});

describe('the many-forms of FF1', () => {
  it('keep the order of strings of mixed lengths, in lanes and in BigInt', () => {
    const list = Array.from({ length: 300 }, (_, index) =>
      numerals(10, 6 + ((index * 7) % 60), String(index)),
    );
    deepEqual(
      ff1EncryptMany(PARAMS, list),
      list.map((item) => ff1Encrypt(PARAMS, item)),
    );
  });

  it('take more strings than go through together', () => {
    const short = Array.from({ length: 9000 }, (_, index) => numerals(10, 6, `s${index}`));
    const long = Array.from({ length: 2500 }, (_, index) => numerals(10, 32, `l${index}`));
    for (const list of [short, long]) {
      const made = ff1EncryptMany(PARAMS, list);
      for (const at of [0, 1, 1364, 1365, 1366, 2047, 2048, 4095, 4096, 8191, 8192]) {
        if (at < list.length) deepEqual(made[at], ff1Encrypt(PARAMS, list[at] as number[]));
      }
      deepEqual(ff1DecryptMany(PARAMS, made), list);
    }
  });

  it('give nothing for nothing', () => {
    deepEqual(ff1EncryptMany(PARAMS, []), []);
  });

  it('name the string that is refused', () => {
    throws(() => ff1EncryptMany(PARAMS, [TEN, [1]]), /^RangeError: list\[1\] must have a length/);
    const bad = [TEN, TEN, TEN.with(9, 10)];
    throws(() => ff1EncryptMany(PARAMS, bad), /^RangeError: list\[2\] must hold integers from 0/);
    const long = [...TEN, ...TEN, ...TEN, ...TEN];
    for (const at of [0, 39]) {
      throws(
        () => ff1DecryptMany(PARAMS, [long, long.with(at, -1)]),
        /^RangeError: list\[1\] must hold integers/,
      );
    }
    throws(() => ff1EncryptMany(PARAMS, {} as never), /^TypeError: list must be an array$/);
    throws(() => ff1EncryptMany(PARAMS, [undefined as never]), /^TypeError: list\[0\] must be/);
  });

  it('can be called again after a refusal', () => {
    const expected = ff1Encrypt(PARAMS, TEN);
    for (let count = 0; count < 3; count++) {
      throws(() => ff1Encrypt(PARAMS, TEN.with(0, 77)));
      throws(() => ff1EncryptMany(PARAMS, [TEN, TEN.with(0, 77)]));
      deepEqual(ff1Encrypt(PARAMS, TEN), expected);
      deepEqual(ff1EncryptMany(PARAMS, [TEN, TEN]), [expected, expected]);
    }
  });
});

describe('a wrong argument of FF1', () => {
  const wrong: [string, unknown, unknown, RegExp][] = [
    [
      'radix',
      { ...PARAMS, radix: 1 },
      TEN,
      /^RangeError: radix must be an integer from 2 to 65536$/,
    ],
    ['radix', { ...PARAMS, radix: 65_537 }, TEN, /^RangeError: radix/],
    ['radix', { ...PARAMS, radix: 10.5 }, TEN, /^RangeError: radix/],
    ['radix', { ...PARAMS, radix: '10' }, TEN, /^RangeError: radix/],
    ['tweak', { ...PARAMS, tweak: 'abc' }, TEN, /^TypeError: tweak must be a Uint8Array$/],
    ['tweak', { ...PARAMS, tweak: undefined }, TEN, /^TypeError: tweak must be a Uint8Array$/],
    [
      'tweak',
      { ...PARAMS, tweak: new Uint8Array(65_537) },
      TEN,
      /^RangeError: tweak must be at most/,
    ],
    [
      'key',
      { ...PARAMS, key: new Uint8Array(20) },
      TEN,
      /^RangeError: key must be 16, 24 or 32 bytes$/,
    ],
    ['key', { ...PARAMS, key: '0'.repeat(32) }, TEN, /^TypeError: key must be a Uint8Array$/],
    [
      'domainMin',
      { ...PARAMS, domainMin: 99 },
      TEN,
      /^RangeError: domainMin must be at least 100$/,
    ],
    ['domainMin', { ...PARAMS, domainMin: Number.NaN }, TEN, /^RangeError: domainMin/],
    ['digits', PARAMS, '0123456789', /^TypeError: digits must be an array that can hold numerals/],
    ['digits', PARAMS, new Int8Array(10), /^TypeError: digits must be an array/],
    ['digits', PARAMS, new Float64Array(10), /^TypeError: digits must be an array/],
    [
      'digits',
      { ...PARAMS, radix: 257 },
      new Uint8Array(10),
      /^TypeError: digits must be an array/,
    ],
    ['digits', PARAMS, [], /^RangeError: digits must have a length from 2 to 4096$/],
    [
      'digits',
      { ...PARAMS, radix: 65_536, domainMin: 100 },
      [1],
      /^RangeError: digits must have a length/,
    ],
    ['digits', PARAMS, new Array(4097).fill(0), /^RangeError: digits must have a length from 2/],
    [
      'digits',
      PARAMS,
      [1, 2, 3, 4, 5],
      /^RangeError: digits: the domain radix \*\* length must be at least 1000000$/,
    ],
    ['digits', { ...PARAMS, domainMin: 100 }, [1], /^RangeError: digits must have a length/],
    [
      'digits',
      { ...PARAMS, radix: 9, domainMin: 100 },
      [1, 1],
      /^RangeError: digits: the domain radix \*\* length must be at least 100$/,
    ],
    ...[-1, 10, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null, undefined, 1n].flatMap(
      (numeral): [string, unknown, unknown, RegExp][] =>
        [0, 4, 5, 9].map((at) => [
          `digits[${at}]`,
          PARAMS,
          TEN.with(at, numeral as number),
          /^RangeError: digits must hold integers from 0 to radix - 1$/,
        ]),
    ),
  ];
  for (const [index, [name, params, digits, message]] of wrong.entries()) {
    it(`is refused by name and without its value: ${name} (${index})`, () => {
      throws(() => ff1Encrypt(params as Ff1Params, digits as number[]), message);
      throws(() => ff1Decrypt(params as Ff1Params, digits as number[]), message);
    });
  }

  it('is no array with holes', () => {
    const holes = new Array<number>(10);
    throws(() => ff1Encrypt(PARAMS, holes), /^RangeError: digits must hold integers/);
  });
});

describe('the limits of FF1', () => {
  it('let bytes hold the numerals of radix 256', () => {
    const bytes = Uint8Array.of(0, 255, 254);
    const params = { ...PARAMS, radix: 256 };
    deepEqual([...ff1Encrypt(params, bytes)], FF1(256, KEY, TWEAK).encrypt([...bytes]));
  });

  it('are inside: the longest string, the longest tweak, the smallest domains', () => {
    const longest = numerals(10, 4096, 'long');
    deepEqual(ff1Decrypt(PARAMS, ff1Encrypt(PARAMS, longest)), longest);
    const tweak = new Uint8Array(65_536).fill(3);
    deepEqual(ff1Encrypt({ ...PARAMS, tweak }, TEN), FF1(10, KEY, tweak).encrypt(TEN));
    const six = [9, 9, 9, 9, 9, 9];
    deepEqual(ff1Encrypt(PARAMS, six), FF1(10, KEY, TWEAK).encrypt(six));
    const two = [9, 9];
    deepEqual(ff1Encrypt({ ...PARAMS, domainMin: 100 }, two), FF1(10, KEY, TWEAK).encrypt(two));
    const three = [4, 4, 4];
    const params = { ...PARAMS, radix: 5, domainMin: 100 };
    deepEqual(ff1Encrypt(params, three), FF1(5, KEY, TWEAK).encrypt(three));
  });

  it('give another string for another tweak, key and radix', () => {
    const made = [
      PARAMS,
      { ...PARAMS, tweak: Uint8Array.of(1, 2, 4) },
      { ...PARAMS, tweak: Uint8Array.of(1, 2, 3, 0) },
      { ...PARAMS, key: KEY.with(31, 0) },
      { ...PARAMS, radix: 11 },
    ].map((params) => ff1Encrypt(params, TEN).join());
    equal(new Set(made).size, made.length);
  });

  it('leave a Buffer a Buffer no longer, but bytes', () => {
    const made = ff1Encrypt(PARAMS, Buffer.from(TEN));
    ok(made.constructor === Uint8Array);
    deepEqual([...made], ff1Encrypt(PARAMS, TEN));
  });
});
