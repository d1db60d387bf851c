import { equal, ok, throws } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  drawRandomToken,
  type FormatSpec,
  isPan,
  isRandomTokenShape,
  isTokenShape,
  parseFormat,
  parseRandomFormat,
  type RandomFormat,
} from '../src/index.ts';

const PAN = '4111111111111111';
const NUMERIC = parseRandomFormat({ alphabet: 'numeric', keepFirst: 8, keepLast: 4 });
const ALPHANUMERIC = parseRandomFormat({ alphabet: 'alphanumeric', keepFirst: 8, keepLast: 4 });

const specs = (['numeric', 'alphanumeric'] as const).flatMap((alphabet) =>
  ([0, 6, 8] as const).flatMap((keepFirst) =>
    ([0, 4] as const).map((keepLast) => ({ alphabet, keepFirst, keepLast })),
  ),
);

/** Gives the listed bytes, some at a time, then fails. */
function bytesFrom(...bytes: number[]): (count: number) => Uint8Array {
  const rest = [...bytes];
  return (count) => {
    ok(rest.length >= count, 'asked for more bytes than expected');
    return Uint8Array.from(rest.splice(0, count));
  };
}

describe('a drawn token', () => {
  for (const spec of specs) {
    it(`has its shape and the kept digits: ${Object.values(spec).join(' ')}`, () => {
      const format = parseRandomFormat(spec);
      for (let draws = 0; draws < 500; draws++) {
        const token = drawRandomToken(format, PAN, randomBytes);
        ok(isRandomTokenShape(format, token));
        ok(!isPan(token));
        equal(token.length, 16);
        equal(token.slice(0, spec.keepFirst), PAN.slice(0, spec.keepFirst));
        equal(token.slice(16 - spec.keepLast), PAN.slice(16 - spec.keepLast));
      }
    });

    it(`is never taken for a keyed alphanumeric one: ${Object.values(spec).join(' ')}`, () => {
      if (spec.alphabet === 'numeric') return;
      const keyed = parseFormat({ ...spec, panLengths: [17] });
      const random = parseRandomFormat({ ...spec, panLengths: [17] });
      const pan = '41111111111111113';
      for (let draws = 0; draws < 200; draws++) {
        equal(isTokenShape(keyed, drawRandomToken(random, pan, randomBytes)), false);
      }
    });
  }

  it('takes each symbol equally often: of 36 from bytes below 252, of 10 below 250', () => {
    const middleOf = (format: RandomFormat, ...bytes: number[]) =>
      drawRandomToken(format, PAN, bytesFrom(...bytes)).slice(8, 12);
    equal(middleOf(ALPHANUMERIC, 0, 10, 35, 36), '0AZ0');
    equal(middleOf(ALPHANUMERIC, 249, 251, 46, 71), '9ZAZ');
    // Bytes from 252, and 250 for a digit, are drawn again, one by one.
    equal(middleOf(ALPHANUMERIC, 250, 255, 7, 252, 255, 253, 10, 11, 254, 12), '7ABC');
    equal(middleOf(NUMERIC, 1, 250, 255, 3, 2, 251, 249), '1329');
    const counts = new Map<string, number>();
    for (let byte = 0; byte < 252; byte++) {
      const symbol = middleOf(ALPHANUMERIC, 1, 10, 10, byte).charAt(3);
      counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    }
    equal(counts.size, 36);
    ok([...counts.values()].every((count) => count === 7));
  });

  it('is drawn again as a whole when it would be a PAN, or have no letter', () => {
    // 4111 1111 ---- 1111 passes the Luhn check with 1111 in the middle, as the PAN does.
    equal(drawRandomToken(NUMERIC, PAN, bytesFrom(1, 1, 1, 1, 2, 3, 4, 5)).slice(8, 12), '2345');
    equal(
      drawRandomToken(ALPHANUMERIC, PAN, bytesFrom(1, 2, 3, 4, 5, 6, 7, 10)).slice(8, 12),
      '567A',
    );
  });

  it('is drawn again when it would begin with 0', () => {
    for (const alphabet of ['numeric', 'alphanumeric'] as const) {
      const format = parseRandomFormat({ alphabet, keepFirst: 0, keepLast: 4 });
      const twelve = [1, 10, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2];
      const token = drawRandomToken(format, PAN, bytesFrom(...twelve.with(0, 0), ...twelve));
      equal(token.charAt(0), '1');
    }
  });

  it('is made for PANs of the lengths the format lists', () => {
    const only16 = parseRandomFormat({ ...NUMERIC, panLengths: [16] } as FormatSpec);
    throws(() => drawRandomToken(only16, '41111111111111113', randomBytes), {
      code: 'PAN_LENGTH_NOT_SERVED',
    });
    for (const wrong of ['4111111111111112', '', undefined as unknown as string]) {
      throws(() => drawRandomToken(only16, wrong, randomBytes), { code: 'PAN_MALFORMED' });
    }
  });

  it('is drawn a thousand times, then the source of random bytes is broken', () => {
    for (const byte of [1, 255]) {
      let draws = 0;
      const draw = () =>
        drawRandomToken(NUMERIC, PAN, (count) => {
          draws++;
          return new Uint8Array(count).fill(byte);
        });
      throws(draw, /^Error: the source of random bytes gives no usable/);
      equal(draws, 1000);
    }
    // The last draw counts too.
    let left = 1000;
    const last = drawRandomToken(NUMERIC, PAN, () => Uint8Array.of(1, 1, 1, --left === 0 ? 2 : 1));
    equal(last.slice(8, 12), '1112');
  });

  it('does not wait for ever on a broken source of random bytes', () => {
    const broken = /^Error: the source of random bytes gives no usable/;
    throws(() => drawRandomToken(NUMERIC, PAN, (count) => new Uint8Array(count).fill(1)), broken);
    throws(() => drawRandomToken(NUMERIC, PAN, (count) => new Uint8Array(count).fill(255)), broken);
    throws(() => drawRandomToken(NUMERIC, PAN, () => new Uint8Array()), broken);
    throws(() => drawRandomToken(ALPHANUMERIC, PAN, (count) => new Uint8Array(count)), broken);
    throws(() => drawRandomToken(NUMERIC, PAN, () => new Uint8Array(99).fill(2)), broken);
  });
});

describe('the shape of a drawn token', () => {
  const shapes: [FormatSpec, string, boolean][] = [
    [ALPHANUMERIC, '4111111112A31111', true],
    [ALPHANUMERIC, '411111110AZZ1111', true],
    [ALPHANUMERIC, '41111111A2A31111', false],
    [ALPHANUMERIC, '4111111112341111', false],
    [ALPHANUMERIC, '0111111112A31111', false],
    [ALPHANUMERIC, '4A11111112A31111', false],
    [ALPHANUMERIC, '4111111112A3111A', false],
    [ALPHANUMERIC, '4111111112a31111', false],
    [ALPHANUMERIC, '4111111112A31111\n', false],
    [ALPHANUMERIC, '411111112A31111', false],
    [{ ...ALPHANUMERIC, keepFirst: 0 }, '12A3111111111111', true],
    [{ ...ALPHANUMERIC, keepFirst: 0 }, '02A3111111111111', false],
    [{ ...ALPHANUMERIC, keepFirst: 0, keepLast: 0 }, '111111111111111A', true],
    [{ ...ALPHANUMERIC, keepFirst: 0, keepLast: 0 }, '1111111111111111', false],
    [NUMERIC, '4111111123451111', true],
    [NUMERIC, PAN, false],
    [NUMERIC, '0111111123451111', false],
    [NUMERIC, '41111111234A1111', false],
    [NUMERIC, '411111112345111', false],
    [NUMERIC, '4111111123451111\n', false],
  ];
  for (const [index, [spec, text, expected]] of shapes.entries()) {
    const { alphabet, keepFirst, keepLast } = spec;
    it(`is looked at symbol by symbol: ${alphabet} ${keepFirst} + ${keepLast} (${index})`, () => {
      const format = parseRandomFormat({ alphabet, keepFirst, keepLast });
      equal(isRandomTokenShape(format, text), expected);
    });
  }

  it('has a place for each symbol, where no neighbour of digits and letters may stand', () => {
    for (const text of ['9999999999A99999', '9999999990AA9999', '9999999999Z09999']) {
      ok(isRandomTokenShape(ALPHANUMERIC, text));
      for (let at = 0; at < text.length; at++) {
        for (const symbol of ['/', ':', '@', '[', 'a', ' ', '９', '\n']) {
          const wrong = text.slice(0, at) + symbol + text.slice(at + 1);
          equal(isRandomTokenShape(ALPHANUMERIC, wrong), false, `${at} ${symbol}`);
        }
      }
    }
  });

  it('is that of a string', () => {
    for (const wrong of [undefined, null, 4111111123451111, ['4111111123451111']]) {
      equal(isRandomTokenShape(NUMERIC, wrong as never), false);
    }
  });
});
