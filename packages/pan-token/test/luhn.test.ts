import { equal, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPan, luhnResidue } from '../src/index.ts';

describe('the Luhn residue', () => {
  it('is 0 for what passes the Luhn check', () => {
    // ISO/IEC 7812-1, annex B, and numbers that schemes publish for tests.
    for (const digits of ['0', '18', '79927398713', '49927398716', '5555555555554444']) {
      equal(luhnResidue(digits), 0);
    }
  });

  it('tells how far from it a number is', () => {
    for (let digit = 0; digit < 10; digit++) equal(luhnResidue(String(digit)), digit);
    const doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
    for (const [digit, residue] of doubled.entries()) equal(luhnResidue(`${digit}0`), residue);
    equal(luhnResidue('79927398710'), 7);
    equal(luhnResidue('9'.repeat(10_000)), 0);
  });

  it('exists for ASCII digits only', () => {
    for (const wrong of ['', ' 1', '1\n', '1a', '４', '-1', '1.5', 18, null, undefined, ['1']]) {
      throws(
        () => luhnResidue(wrong as string),
        /^TypeError: digits must be a string of ASCII digits$/,
      );
    }
  });
});

describe('a PAN', () => {
  it('has 12 to 19 digits', () => {
    const byLength = new Map<number, string>();
    for (let length = 10; length <= 21; length++) {
      const digits = '4'.padEnd(length - 1, '0');
      byLength.set(length, digits + ((10 - luhnResidue(`${digits}0`)) % 10));
    }
    for (const [length, text] of byLength) equal(isPan(text), length >= 12 && length <= 19);
  });

  it('does not begin with 0, and passes the Luhn check', () => {
    equal(isPan('5555555555554444'), true);
    equal(isPan('0555555555554442'), false);
    equal(isPan('5555555555554445'), false);
    equal(isPan('5555555555554444\n'), false);
    equal(isPan('555555555555444４'), false);
  });
});
