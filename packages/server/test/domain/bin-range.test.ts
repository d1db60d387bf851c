import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { makeFindBinRange, parseBinRange, rangesOverlap } from '../../src/domain/bin-range.ts';
import { Refusal } from '../../src/domain/error.ts';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import { CardNumber } from '../../src/domain/pan.ts';

const range = (prefix: string, more: object = {}) => ({
  prefix,
  organization: 100 as OrganizationNumber,
  logo: 1,
  panLength: 16,
  ...more,
});

describe('a BIN range', () => {
  it('has a prefix of 6 to 11 digits, a logo, and room for one drawn digit and the check digit', () => {
    for (const prefix of ['540208', '54020812', '54020812345']) {
      assert.equal(parseBinRange(range(prefix)).prefix, prefix);
    }
    assert.equal(parseBinRange(range('54020812345', { panLength: 13 })).panLength, 13);
    for (const prefix of ['54020', '540208123456', '040208', '54020x', '５４０２０８', '']) {
      assert.throws(() => parseBinRange(range(prefix)), refusalOf('prefix'));
    }
    for (const logo of [-1, 1000, 1.5, Number.NaN]) {
      assert.throws(() => parseBinRange(range('540208', { logo })), refusalOf('logo'));
    }
    for (const panLength of [11, 20, 15.5, Number.NaN]) {
      assert.throws(() => parseBinRange(range('540208', { panLength })), refusalOf('panLength'));
    }
    const tooFull = range('54020812345', { panLength: 12 });
    assert.throws(() => parseBinRange(tooFull), refusalOf('panLength'));
  });

  it('overlaps another one exactly when a number can begin with both', () => {
    assert(rangesOverlap(range('540208'), range('540208')));
    assert(rangesOverlap(range('540208'), range('54020812')));
    assert(rangesOverlap(range('54020812'), range('540208')));
    assert(!rangesOverlap(range('540208'), range('540209')));
    assert(!rangesOverlap(range('54020812'), range('54020813')));
  });

  it('is found for every number that begins with it and for no other', () => {
    const ranges = [range('540208'), range('54020912'), range('45712345678'), range('222300')];
    const find = makeFindBinRange(ranges);
    const prefix = fc.constantFrom(...ranges.map((each) => each.prefix), '540209', '4571234567');
    const number = fc
      .tuple(prefix, fc.stringMatching(/^[0-9]{13}$/), fc.integer({ min: 12, max: 19 }))
      .map(([start, rest, length]) => (start + rest).slice(0, length));
    fc.assert(
      fc.property(number, (digits) => {
        const expected = ranges.find((each) => digits.startsWith(each.prefix));
        assert.equal(find(CardNumber.parseNumber(digits)), expected);
      }),
    );
  });
});

function refusalOf(field: string) {
  return (error: unknown) => {
    assert(error instanceof Refusal && error.code === 'REQUEST_INVALID');
    return error.facts.field === field;
  };
}
