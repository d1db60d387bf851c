import { equal, ok, throws } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { drawRandomToken, isRandomTokenShape, parseRandomFormat } from '../src/index.ts';

describe('a drawn token', () => {
  for (const alphabet of ['numeric', 'alphanumeric'] as const) {
    for (const keepFirst of [0, 6, 8] as const) {
      for (const keepLast of [0, 4] as const) {
        it(`has its shape and the kept digits: ${alphabet} ${keepFirst} + ${keepLast}`, () => {
          const format = parseRandomFormat({ alphabet, keepFirst, keepLast });
          const pan = '4111111111111111';
          for (let draws = 0; draws < 500; draws++) {
            const token = drawRandomToken(format, pan, randomBytes);
            ok(isRandomTokenShape(format, token));
            equal(token.slice(0, keepFirst), pan.slice(0, keepFirst));
            equal(token.slice(16 - keepLast), pan.slice(16 - keepLast));
          }
        });
      }
    }
  }

  it('is refused where fewer than four digits are replaced', () => {
    throws(
      () => parseRandomFormat({ alphabet: 'numeric', keepFirst: 8, keepLast: 4, panLengths: [15] }),
      { code: 'FORMAT_LENGTH_NOT_SERVABLE' },
    );
  });
});
