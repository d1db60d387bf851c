/**
 * What must hold for all inputs. The test suite tries some, the slow suite goes on for as long as
 * it is told.
 */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { FF1 } from '@noble/ciphers/ff1.js';
import fc from 'fast-check';
import {
  detokenize,
  detokenizeMany,
  epochOf,
  type FormatSpec,
  ff1Decrypt,
  ff1DecryptMany,
  ff1Encrypt,
  ff1EncryptMany,
  isPan,
  isTokenShape,
  luhnResidue,
  openToken,
  PanTokenError,
  parseFormat,
  prepareAesKey,
  prepareKey,
  prepareKeys,
  tokenize,
  tokenizeMany,
} from '../src/index.ts';
import { completePan } from './pans.ts';
import { makeRival } from './rival.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const digits = (length: number) =>
  fc.string({
    unit: fc.constantFrom(...'0123456789'),
    minLength: length,
    maxLength: length,
  });

const formatSpec: fc.Arbitrary<FormatSpec> = fc.record({
  alphabet: fc.constantFrom('numeric', 'alphanumeric'),
  keepFirst: fc.constantFrom(0, 6, 8),
  keepLast: fc.constantFrom(0, 4),
});

const pan = (length: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...'123456789'), digits(length - 2))
    .map(([first, rest]) => completePan(first + rest));

const servedPan = (spec: FormatSpec) =>
  fc.constantFrom(...parseFormat(spec).panLengths).chain((length) => pan(length));

const anyPan = fc.integer({ min: 12, max: 19 }).chain(pan);

/** A cipher, and strings for it, each with its length in the place where arithmetic changes. */
const ff1Case = fc
  .record({
    key: fc.constantFrom(16, 24, 32).chain(bytes),
    tweak: fc.uint8Array({ maxLength: 255 }),
    radix: fc.oneof(
      fc.integer({ min: 2, max: 65_535 }),
      fc.integer({ min: 2, max: 64 }),
      fc.constantFrom(2, 10, 16, 36, 256, 65_535),
    ),
  })
  .chain(({ key, tweak, radix }) => {
    const lengthMin = Math.max(2, Math.ceil(Math.log(1_000_000) / Math.log(radix) - 1e-9));
    const numeral = fc.oneof(fc.integer({ min: 0, max: radix - 1 }), fc.constantFrom(0, radix - 1));
    const length = fc.oneof(
      fc.integer({ min: lengthMin, max: 128 }),
      fc.integer({ min: lengthMin, max: lengthMin + 8 }),
    );
    const string = length.chain((count) =>
      fc.array(numeral, { minLength: count, maxLength: count }),
    );
    return fc.record({
      key: fc.constant(key),
      tweak: fc.constant(tweak),
      radix: fc.constant(radix),
      list: fc.array(string, { minLength: 1, maxLength: 6 }),
    });
  });

const ff1AgreesWithNoble = fc.property(ff1Case, ({ key, tweak, radix, list }) => {
  const given = { key: key.slice(), tweak: tweak.slice(), list: list.map((item) => [...item]) };
  const noble = FF1(radix, key, tweak);
  const expected = list.map((item) => noble.encrypt(item));
  const params = { key, radix, tweak };
  const prepared = { ...params, key: prepareAesKey(key) };
  for (const [index, item] of list.entries()) {
    deepEqual(ff1Encrypt(params, item), expected[index]);
    deepEqual(ff1Decrypt(prepared, expected[index] as number[]), item);
  }
  deepEqual(ff1EncryptMany(prepared, list), expected);
  deepEqual(ff1DecryptMany(params, expected), list);
  deepEqual({ key, tweak, list }, given, 'an input was changed');
});

const ff1GivesBackTheKindOfArray = fc.property(
  fc.integer({ min: 2, max: 65_536 }),
  bytes(16),
  fc.array(fc.nat({ max: 0xffff_ffff }), { minLength: 20, maxLength: 40 }),
  (radix, key, seeds) => {
    const numerals = seeds.map((seed) => seed % radix);
    const params = { key, radix, tweak: new Uint8Array() };
    const expected = ff1Encrypt(params, numerals);
    const kinds = [Uint16Array, Uint32Array, ...(radix <= 256 ? [Uint8Array] : [])];
    for (const kind of kinds) {
      const made = ff1Encrypt(params, kind.from(numerals));
      equal(made.constructor, kind);
      deepEqual([...made], expected);
      deepEqual(ff1DecryptMany(params, [made]), [kind.from(numerals)]);
    }
    deepEqual(ff1Decrypt(params, expected), numerals);
  },
);

const tokensAgreeWithNoble = fc.property(
  formatSpec.chain((spec) => fc.tuple(fc.constant(spec), servedPan(spec))),
  bytes(32),
  fc.integer({ min: 1, max: 100 }),
  ([spec, given], keyBytes, epoch) => {
    const format = parseFormat(spec);
    const key = prepareKey(epoch, keyBytes);
    const token = tokenize(format, key, given);
    equal(token, makeRival(spec, epoch, keyBytes).tokenize(given));
    equal(token.length, given.length);
    ok(isTokenShape(format, token));
    ok(!isPan(token));
    deepEqual(openToken(format, [key], token), { pan: given, epoch });
    equal(epochOf(format, [key], token), epoch);
  },
);

const stringsOpenAsWithNoble = fc.property(
  formatSpec.chain((spec) => fc.tuple(fc.constant(spec), servedPan(spec))),
  fc.array(fc.constantFrom(...'0123456789ABCXYZ'), { minLength: 19, maxLength: 19 }),
  bytes(32),
  fc.integer({ min: 1, max: 9 }),
  ([spec, given], symbols, keyBytes, epoch) => {
    const format = parseFormat(spec);
    const lastAt = given.length - spec.keepLast;
    let middle = symbols.slice(0, lastAt - spec.keepFirst).join('');
    if (spec.alphabet === 'numeric') middle = middle.replaceAll(/[A-Z]/g, '7');
    else if (/^[0-9]/.test(middle)) middle = String.fromCharCode(64 + epoch) + middle.slice(1);
    const token = given.slice(0, spec.keepFirst) + middle + given.slice(lastAt);
    const opened = settle(() => detokenize(format, [prepareKey(epoch, keyBytes)], token));
    const expected = makeRival(spec, epoch, keyBytes).detokenize(token);
    if (expected === undefined) ok(/^TOKEN_/.test(opened), opened);
    else equal(opened, expected);
  },
);

/** Anything that may stand in a list: PANs, tokens, near misses, and what is no text at all. */
const element = fc.oneof(
  { weight: 6, arbitrary: anyPan },
  { weight: 1, arbitrary: fc.integer({ min: 8, max: 22 }).chain(digits) },
  { weight: 1, arbitrary: anyPan.map((text) => text.toLowerCase().replace(/\d/, 'A')) },
  { weight: 1, arbitrary: anyPan.map((text) => text.replace(/\d/, '４')) },
  { weight: 1, arbitrary: anyPan.map((text) => text.replace(/\d$/, 'é')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 22 }) },
  { weight: 1, arbitrary: fc.anything() },
) as fc.Arbitrary<string>;

const manyDoWhatOneDoes = fc.property(
  formatSpec,
  fc.array(element, { maxLength: 60 }),
  bytes(32),
  fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
  (spec, list, keyBytes, epochs) => {
    const format = parseFormat(spec);
    const keys = epochs.map((epoch) => prepareKey(epoch, keyBytes.with(0, epoch)));
    const keySet = prepareKeys(keys);
    const copy = [...list];
    const made = keys.map((key) => {
      const tokens = tokenizeMany(format, key, list);
      deepEqual(
        tokens.map(codeOrText),
        list.map((item) => settle(() => tokenize(format, key, item))),
      );
      return tokens;
    });
    // Tokens of all epochs, one after the other, with all that is none in between.
    const mixed = list.flatMap((item, index) => [item, ...made.map((tokens) => tokens[index])]);
    const tokens = mixed.map((item) => (item instanceof PanTokenError ? 'refused' : item));
    deepEqual(
      detokenizeMany(format, keySet, tokens as string[]).map(codeOrText),
      tokens.map((item) => settle(() => detokenize(format, keys, item as string))),
    );
    ok(
      list.every((item, index) => Object.is(item, copy[index])),
      'an input was changed',
    );
  },
);

const luhnResidueIsTheWeightedSum = fc.property(
  fc.integer({ min: 1, max: 40 }).chain(digits),
  fc.nat(),
  (text, seed) => {
    const weights = [...text].reverse().map((digit, index) => {
      const product = Number(digit) * (index % 2 === 0 ? 1 : 2);
      return Math.floor(product / 10) + (product % 10);
    });
    equal(luhnResidue(text), weights.reduce((sum, weight) => sum + weight, 0) % 10);
    const at = seed % text.length;
    const reached = Array.from('0123456789', (digit) =>
      luhnResidue(text.slice(0, at) + digit + text.slice(at + 1)),
    );
    equal(new Set(reached).size, 10, 'one digit reaches every residue, in one way');
  },
);

/** Each with how often the quick suite tries it; the slow suite goes on. */
export const properties = [
  {
    title: 'FF1 agrees with noble, one by one and together',
    runs: 300,
    property: ff1AgreesWithNoble,
  },
  {
    title: 'FF1 gives back the kind of array it got',
    runs: 100,
    property: ff1GivesBackTheKindOfArray,
  },
  {
    title: 'tokens agree with the format made again on noble',
    runs: 300,
    property: tokensAgreeWithNoble,
  },
  { title: 'strings open, or not, as they do there', runs: 500, property: stringsOpenAsWithNoble },
  { title: 'the many-forms do what the single ones do', runs: 150, property: manyDoWhatOneDoes },
  {
    title: 'the Luhn residue is the weighted sum',
    runs: 300,
    property: luhnResidueIsTheWeightedSum,
  },
] as readonly {
  readonly title: string;
  readonly runs: number;
  readonly property: fc.IRawProperty<unknown>;
}[];

function codeOrText(result: string | PanTokenError): string {
  return result instanceof PanTokenError ? result.code : result;
}

function settle(make: () => string): string {
  try {
    return make();
  } catch (error) {
    if (error instanceof PanTokenError) return error.code;
    throw error;
  }
}
