import { luhnResidue } from '@pantoken/pan-token';
import { Refusal } from './error.ts';

const CARD_NUMBER_PATTERN = /^[0-9]{12,19}$/; // 19 is the limit of ISO/IEC 7812-1; 12 is ours.

/**
 * A card number as received: 12 to 19 ASCII digits, check digit not required (the schemes' own test
 * numbers fail it). It cannot be printed by accident.
 *
 * String conversion, JSON, `console.log` and pino all give `411111******1111`. The one way to the
 * digits is {@link CardNumber.reveal}, so `grep reveal` lists every place a number leaves this type.
 */
export class CardNumber {
  readonly #digits: string;

  protected constructor(digits: string) {
    this.#digits = digits;
  }

  /**
   * @param text 12 to 19 ASCII digits, no spaces.
   * @throws {Refusal} `CARD_NUMBER_MALFORMED`. Its facts hold the length only.
   */
  static parseNumber(text: string): CardNumber {
    if (!CARD_NUMBER_PATTERN.test(text)) {
      throw new Refusal('CARD_NUMBER_MALFORMED', { length: text.length });
    }
    return new CardNumber(text);
  }

  reveal(): string {
    return this.#digits;
  }

  get length(): number {
    return this.#digits.length;
  }

  /** Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B). */
  get hasCheckDigit(): boolean {
    return luhnResidue(this.#digits) === 0;
  }

  /** Not constant-time: for numbers that the caller already knows or may see. */
  equals(other: CardNumber): boolean {
    return this.#digits === other.#digits;
  }

  /** First six and last four (PCI DSS 4.0.1, 3.4.1); below 15 digits the last four only, or too few stay hidden. */
  toString(): string {
    const keepFirst = this.#digits.length < 15 ? 0 : 6;
    return `${this.#digits.slice(0, keepFirst)}${'*'.repeat(this.#digits.length - keepFirst - 4)}${this.#digits.slice(-4)}`;
  }

  toJSON(): string {
    return this.toString();
  }

  /** What `console.log` and `util.inspect` print. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `${this.constructor.name}(${this})`;
  }
}

/** A card number that has been checked: it does not begin with 0 and passes Luhn. */
export class Pan extends CardNumber {
  /**
   * @param text 12 to 19 ASCII digits, no spaces, first not 0, correct check digit
   *   (ISO/IEC 7812-1, annex B).
   * @throws {Refusal} `PAN_MALFORMED`. Its facts hold the length only.
   */
  static parse(text: string): Pan {
    if (!CARD_NUMBER_PATTERN.test(text) || text.startsWith('0') || luhnResidue(text) !== 0) {
      throw new Refusal('PAN_MALFORMED', { length: text.length });
    }
    return new Pan(text);
  }

  /** @param body the digits without the check digit, first not 0, 11 to 18 of them. */
  static withCheckDigit(body: string): Pan {
    const checkDigit = (10 - luhnResidue(`${body}0`)) % 10;
    return Pan.parse(`${body}${checkDigit}`);
  }
}
