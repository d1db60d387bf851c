import type { CardNumber } from './pan.ts';

/** The schemes whose account updaters this service speaks for. */
export type Scheme = 'visa' | 'mastercard';

/**
 * The scheme of a card number by its issuer identification number, or undefined where it is neither:
 * Visa 4; Mastercard 51 to 55 and 2221 to 2720.
 */
export function schemeOf(number: CardNumber): Scheme | undefined {
  const firstFour = Number(number.reveal().slice(0, 4));
  if (firstFour >= 4000 && firstFour <= 4999) return 'visa';
  if (firstFour >= 5100 && firstFour <= 5599) return 'mastercard';
  if (firstFour >= 2221 && firstFour <= 2720) return 'mastercard';
  return undefined;
}
