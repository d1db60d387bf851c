import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  detokenize,
  detokenizeMany,
  type FormatSpec,
  isTokenShape,
  luhnResidue,
  openToken,
  PanTokenError,
  parseFormat,
  prepareKey,
  prepareKeys,
  tokenize,
  tokenizeMany,
} from '../src/index.ts';
import { toKey, vectors } from './vectors.ts';

const ANY_KEY = prepareKey(1, new Uint8Array(32));

describe('the known answers of format version 1', () => {
  it('are all made from their PAN', () => {
    for (const { format, pan, token, ...live } of vectors.cases) {
      equal(tokenize(parseFormat(format), toKey(live), pan), token);
      deepEqual(tokenizeMany(parseFormat(format), toKey(live), [pan]), [token]);
    }
  });

  it('all open to their PAN while their epoch alone lives', () => {
    for (const { format, pan, token, ...live } of vectors.cases) {
      const keys = [toKey(live)];
      equal(detokenize(parseFormat(format), keys, token), pan);
      deepEqual(openToken(parseFormat(format), prepareKeys(keys), token), {
        pan,
        epoch: live.epoch,
      });
      deepEqual(detokenizeMany(parseFormat(format), keys, [token]), [pan]);
    }
  });

  it('have the shape of their format, and none is a PAN', () => {
    for (const { format, token } of vectors.cases) {
      ok(isTokenShape(parseFormat(format), token));
      if (format.alphabet === 'numeric') ok(luhnResidue(token) !== 0);
    }
  });
});

describe('what is not ours', () => {
  for (const { format, live, token, why } of vectors.notOurs) {
    const letters = token.replaceAll(/[0-9]/g, '*');
    it(`is refused: ${why}, ${nameOf(format)}, ${JSON.stringify(letters)}`, () => {
      const keys = live.map(toKey);
      throws(() => detokenize(parseFormat(format), keys, token), isTokenRefusal);
      const [result] = detokenizeMany(parseFormat(format), keys, [token]);
      ok(isTokenRefusal(result));
    });
  }

  for (const { format, live, why } of vectors.refusedKeySets) {
    it(`is a set of keys with ${why}`, () => {
      const refused = { name: 'PanTokenError', code: 'EPOCH_MARK_SHARED' };
      throws(() => detokenize(parseFormat(format), live.map(toKey), 'any'), refused);
      throws(() => detokenizeMany(parseFormat(format), live.map(toKey), []), refused);
    });
  }

  it('is a PAN that is none', () => {
    for (const alphabet of ['numeric', 'alphanumeric'] as const) {
      const format = parseFormat({ alphabet, keepFirst: 0, keepLast: 0 });
      for (const { pan } of vectors.refusedPans) {
        throws(() => tokenize(format, ANY_KEY, pan), { code: 'PAN_MALFORMED' });
        const [result] = tokenizeMany(format, ANY_KEY, [pan]);
        ok(result instanceof PanTokenError && result.code === 'PAN_MALFORMED');
      }
    }
  });

  for (const { format, panLength } of vectors.refusedFormats) {
    it(`is the format ${nameOf(format)} for ${panLength} digits`, () => {
      throws(
        () => parseFormat({ ...format, panLengths: [panLength] }),
        (error) =>
          error instanceof RangeError ||
          (error instanceof PanTokenError && error.code === 'FORMAT_LENGTH_NOT_SERVABLE'),
      );
    });
  }
});

function isTokenRefusal(error: unknown): boolean {
  return error instanceof PanTokenError && error.code.startsWith('TOKEN_');
}

function nameOf({ alphabet, keepFirst, keepLast }: FormatSpec): string {
  return `${alphabet} ${keepFirst} + ${keepLast}`;
}
