import type { FindBinRange } from './bin-range.ts';
import { CardNumber } from './pan.ts';

/** Digits in a row, as long as a card number or longer by the zeros it may be padded with. */
const DIGIT_RUN = /[0-9]{12,}/g;

/**
 * A text that an issuer once sent along with a card, for somebody who may not see card numbers: what
 * could be one, being in a registered BIN range with a correct check digit, is masked. Some issuers
 * use card numbers as account or customer numbers.
 */
export function withoutNumbers(text: string, findBinRange: FindBinRange): string {
  return text.replaceAll(DIGIT_RUN, (run) => {
    const digits = run.replace(/^0+/, '');
    if (digits.length < 12 || digits.length > 19) return run;
    const number = CardNumber.parseNumber(digits);
    if (!number.hasCheckDigit || findBinRange(number) === undefined) return run;
    return run.slice(0, run.length - digits.length) + String(number);
  });
}
