import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCardSequence } from '../../src/domain/card.ts';
import { REFUSALS, Refusal, type RefusalCode } from '../../src/domain/error.ts';
import {
  expiryAfterYears,
  monthOf,
  parseExpiry,
  parseExpiryDate,
  yearOf,
} from '../../src/domain/expiry.ts';
import { parseOrganizationNumber } from '../../src/domain/organization-number.ts';
import { CardNumber } from '../../src/domain/pan.ts';
import { schemeOf } from '../../src/domain/scheme.ts';

const NO_INTEGERS = ['1', '', null, undefined, true, Number.NaN, Infinity, 1.5, [], {}, 1n];

describe('an expiry', () => {
  it('is a month of a year', () => {
    const expiry = parseExpiry('05', '2028');
    assert.equal(expiry, 202805);
    assert.deepEqual([monthOf(expiry), yearOf(expiry)], ['05', '2028']);
    assert(parseExpiry('01', '2029') > parseExpiry('12', '2028'));
  });

  it('has two digits of a month that exists and four of a year', () => {
    for (const month of ['00', '13', '1', '001', '٠١', '1 ', '', '-1']) {
      assert.throws(() => parseExpiry(month, '2028'), refusal('EXPIRY_INVALID'));
    }
    for (const year of ['28', '02028', '２０２８', '2o28', '', ' 2028']) {
      assert.throws(() => parseExpiry('01', year), refusal('EXPIRY_INVALID'));
    }
  });

  it('can be given as a day that exists', () => {
    assert.equal(parseExpiryDate('2028-02-29'), 202802);
    const wrong = [
      '2027-02-29',
      '2028-13-01',
      '2028-00-10',
      '28-01-01',
      '2028-1-1',
      '',
      '20280229',
    ];
    for (const date of [...wrong, '2028-02-29T00:00:00Z', '2028-02-29 ', '+02028-02-29']) {
      assert.throws(() => parseExpiryDate(date), refusal('EXPIRY_INVALID'), date);
    }
  });

  it('lies some years after a moment, in UTC', () => {
    assert.equal(expiryAfterYears(Date.UTC(2026, 11, 31, 23, 59), 5), 203112);
    assert.equal(expiryAfterYears(Date.UTC(2024, 1, 29), 1), 202502);
  });
});

describe('an organization number', () => {
  it('is an integer from 0 to 998', () => {
    for (const value of [0, 1, 100, 998]) assert.equal(parseOrganizationNumber(value), value);
    for (const value of [...NO_INTEGERS, -1, 999, 1e9]) {
      assert.throws(() => parseOrganizationNumber(value), refusal('ORGANIZATION_NUMBER_INVALID'));
    }
  });
});

describe('a card sequence', () => {
  it('is an integer from 0 to 9999', () => {
    for (const value of [0, 1, 9999]) assert.equal(parseCardSequence(value), value);
    for (const value of [...NO_INTEGERS, -1, 10_000]) {
      assert.throws(() => parseCardSequence(value), refusal('CARD_SEQUENCE_INVALID'));
    }
  });
});

describe('the scheme of a number', () => {
  const schemes = {
    4000: 'visa',
    4999: 'visa',
    3999: undefined,
    5000: undefined,
    5099: undefined,
    5100: 'mastercard',
    5599: 'mastercard',
    5600: undefined,
    2220: undefined,
    2221: 'mastercard',
    2720: 'mastercard',
    2721: undefined,
    3700: undefined,
    6011: undefined,
    '0400': undefined,
  };
  for (const [start, scheme] of Object.entries(schemes)) {
    it(`${start} is ${scheme ?? 'of no scheme we speak for'}`, () => {
      assert.equal(schemeOf(CardNumber.parseNumber(`${start}000000000000`)), scheme);
    });
  }
});

describe('the table of refusals', () => {
  it('has codes in capitals and titles that are sentences without digits of a card', () => {
    for (const [code, { title }] of Object.entries(REFUSALS)) {
      assert.match(code, /^[A-Z][A-Z0-9_]+[A-Z0-9]$/);
      assert.match(title, /^[A-Z].*[.]$/);
      assert.doesNotMatch(title, /\d{5}/);
    }
  });

  it('makes errors that carry code, kind, title and cause', () => {
    for (const code of Object.keys(REFUSALS) as RefusalCode[]) {
      const cause = new Error('underneath');
      const error = new Refusal(code, { length: 3 }, { cause });
      assert.deepEqual(
        [error.code, error.kind, error.message, error.cause],
        [code, REFUSALS[code].kind, REFUSALS[code].title, cause],
      );
    }
  });
});

function refusal(code: RefusalCode) {
  return (error: unknown) => error instanceof Refusal && error.code === code;
}
