/** The Luhn algorithm of ISO/IEC 7812-1, annex B, as a number from 0 to 9 instead of a verdict. */

const ASCII_DIGITS = /^[0-9]+$/;

/**
 * Gives the Luhn residue of a string of digits: the weighted sum of the Luhn algorithm modulo 10.
 *
 * From the right, every second digit (the second, the fourth ...) counts double, minus 9 if that is
 * above 9. A string passes the Luhn check exactly when its residue is 0.
 *
 * @param digits one or more ASCII digits, the check digit included.
 * @returns an integer from 0 to 9.
 * @throws {TypeError} if `digits` is not a string of ASCII digits.
 * @see ISO/IEC 7812-1, annex B
 */
export function luhnResidue(digits: string): number {
  if (typeof digits !== 'string' || !ASCII_DIGITS.test(digits)) {
    throw new TypeError('digits must be a string of ASCII digits');
  }
  let sum = 0;
  let doubled = false;
  for (let index = digits.length - 1; index >= 0; index--) {
    const digit = digits.charCodeAt(index) - 48;
    sum += doubled ? doubledDigit(digit) : digit;
    doubled = !doubled;
  }
  return sum % 10;
}

function doubledDigit(digit: number): number {
  return digit > 4 ? digit * 2 - 9 : digit * 2;
}
