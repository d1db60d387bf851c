import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { luhnResidue, prepareKey, prepareKeys } from '@pantoken/pan-token';
import fc from 'fast-check';
import { Refusal } from '../../src/domain/error.ts';
import { Pan } from '../../src/domain/pan.ts';
import {
  makeToken,
  openToken,
  openTokens,
  parseFormats,
  type TokenFormatSpec,
  type TokenKeys,
} from '../../src/domain/token-format.ts';

const spec = (more: Partial<TokenFormatSpec> = {}): TokenFormatSpec => ({
  engine: 'keyed',
  alphabet: 'alphanumeric',
  keepFirst: 6,
  keepLast: 4,
  ...more,
});

function keysOf(...epochs: number[]): TokenKeys {
  const keys = epochs.map((epoch) => prepareKey(epoch, randomBytes(32)));
  const active = keys.at(-1);
  assert(active);
  return { active, living: prepareKeys(keys), closed: new Set(), destroyed: [] };
}

const random = { bytes: (count: number) => randomBytes(count) };

const pans = fc
  .integer({ min: 12, max: 19 })
  .chain((length) => fc.stringMatching(new RegExp(`^[1-9][0-9]{${length - 2}}$`)))
  .map((body) => Pan.withCheckDigit(body));

describe('the formats of an organization', () => {
  it('open a token in one way: one format of an alphabet for a length', () => {
    assert.throws(() => parseFormats([spec(), spec()]), refusal('REQUEST_INVALID'));
    const sameAlphabet = [spec(), spec({ engine: 'random' })];
    assert.throws(() => parseFormats(sameAlphabet), refusal('REQUEST_INVALID'));
    const someLengths = [spec({ panLengths: [15, 16] }), spec({ keepFirst: 0, panLengths: [16] })];
    assert.throws(() => parseFormats(someLengths), refusal('REQUEST_INVALID'));
    assert.throws(() => parseFormats([]), refusal('REQUEST_INVALID'));
    const both = parseFormats([spec({ panLengths: [16] }), spec({ alphabet: 'numeric' })]);
    assert.equal(both.length, 2);
  });

  it('are refused, with the reason, where they cannot serve a length they list', () => {
    const specs = [
      spec({ keepFirst: 8, panLengths: [16] }),
      spec({ alphabet: 'numeric', panLengths: [15] }),
      spec({ engine: 'random', keepFirst: 8, panLengths: [15] }),
      spec({ keepFirst: 7 as never }),
      spec({ alphabet: 'hex' as never }),
      spec({ panLengths: [11] }),
    ];
    for (const each of specs) {
      assert.throws(
        () => parseFormats([each]),
        (error) => refusal('REQUEST_INVALID')(error) && (error as Refusal).facts.reason !== '',
      );
    }
  });

  it('survive being written as JSON and read again', () => {
    const formats = parseFormats([spec(), spec({ alphabet: 'numeric', engine: 'random' })]);
    assert.deepEqual(parseFormats(JSON.parse(JSON.stringify(formats))), formats);
  });
});

describe('a token', () => {
  const keyedFormats = parseFormats([spec()]);
  const numericFormats = parseFormats([spec({ alphabet: 'numeric' })]);
  const keys = keysOf(1, 2);

  it('of a keyed format opens to its PAN and epoch, and is never a card number', () => {
    fc.assert(
      fc.property(pans, fc.constantFrom(keyedFormats, numericFormats), (pan, formats) => {
        if (!formats[0]?.panLengths.includes(pan.length)) return;
        const { token, epoch } = makeToken(formats, keys, pan, random);
        assert.equal(epoch, 2);
        assert(!/^[0-9]*$/.test(token) || luhnResidue(token) !== 0);
        const opened = openToken(formats, keys, token);
        assert(opened.pan?.equals(pan));
        assert.equal(opened.epoch, 2);
      }),
      { numRuns: 200 },
    );
  });

  it('of the random engine has epoch 0 and says nothing without its record', () => {
    const formats = parseFormats([spec({ engine: 'random', keepFirst: 8 })]);
    const pan = Pan.parse('4111111111111111');
    const { token, epoch } = makeToken(formats, keys, pan, random);
    assert.equal(epoch, 0);
    assert.deepEqual(openToken(formats, keys, token), { pan: undefined, epoch: 0, lost: [] });
  });

  it('that is not the organization’s is refused in one way, whatever is wrong with it', () => {
    const pan = Pan.parse('5402080000000013');
    const foreign = makeToken(keyedFormats, keysOf(1), pan, random).token;
    const { token } = makeToken(keyedFormats, keys, pan, random);
    const wrong = [
      ...[token.toLowerCase(), `${token} `, ` ${token}`, `${token}\n`, `000${token}`],
      ...[token.slice(1), `${token}0`, pan.reveal(), '', 'A', token.replace(/[A-Z]/, 'Z')],
      ...[token.replace(/[A-Z]/, '１'), `${token.slice(0, 10)}\u0000${token.slice(11)}`],
    ];
    for (const text of wrong) {
      assert.throws(() => openToken(keyedFormats, keys, text), refusal('TOKEN_MALFORMED'), text);
    }
    // Another key opens it by chance in 1 of 605 cases, and then to another PAN.
    try {
      assert(!openToken(keyedFormats, keys, foreign).pan?.equals(pan));
    } catch (error) {
      assert(refusal('TOKEN_MALFORMED')(error));
    }
  });

  it('opens among many as it does alone, and is refused among many as alone', () => {
    const mixed = parseFormats([
      spec({ panLengths: [16] }),
      spec({ alphabet: 'numeric', panLengths: [16] }),
      spec({ engine: 'random', alphabet: 'alphanumeric', panLengths: [15] }),
    ]);
    const bytes = randomBytes(32);
    const keyOf = (epoch: number) => prepareKey(epoch, bytes);
    const living = prepareKeys([28, 29].map(keyOf));
    const gone: TokenKeys = { ...keysOf(29), living, destroyed: [2, 3] };
    const served = fc.stringMatching(/^[1-9][0-9]{14}$/).map((body) => Pan.withCheckDigit(body));
    const alone = (token: string) => {
      try {
        return openToken(mixed, gone, token);
      } catch (error) {
        return error;
      }
    };
    const one = fc.oneof(
      fc.string({ maxLength: 20 }),
      pans.map((pan) => pan.reveal()),
      fc
        .tuple(served, fc.constantFrom(2, 3, 28, 29), fc.boolean())
        .map(([pan, epoch, isNumeric]) => {
          const formats = mixed.filter(({ alphabet }) => (alphabet === 'numeric') === isNumeric);
          return makeToken(formats, { ...gone, active: keyOf(epoch) }, pan, random).token;
        }),
    );
    let openedCount = 0;
    fc.assert(
      fc.property(fc.array(one, { maxLength: 40 }), (tokens) => {
        const results = openTokens(mixed, gone, tokens);
        assert.equal(results.length, tokens.length);
        for (const [at, token] of tokens.entries()) {
          const result = results[at];
          const expected = alone(token);
          if (expected instanceof Refusal) {
            assert(result instanceof Refusal);
            assert.deepEqual([result.code, result.facts], [expected.code, expected.facts]);
            continue;
          }
          openedCount++;
          assert.deepEqual(result, expected);
        }
      }),
      { numRuns: 200 },
    );
    assert(openedCount > 50, `only ${openedCount} were opened`);
  });

  it('is made by no format for a length that none serves', () => {
    const formats = parseFormats([spec({ panLengths: [16] })]);
    const pan = Pan.withCheckDigit('54020800000000');
    assert.throws(() => makeToken(formats, keys, pan, random), refusal('PAN_LENGTH_NOT_SERVED'));
  });
});

function refusal(code: string) {
  return (error: unknown) => error instanceof Refusal && error.code === code;
}
