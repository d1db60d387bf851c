import { Refusal } from '../../domain/error.ts';
import { CardNumber, Pan } from '../../domain/pan.ts';
import type { CardReference } from '../../usecase/find-number.ts';

/** Card numbers and tokens travel right-aligned in 19 characters, zeros on the left. */
const FIELD_LENGTH = 19;

/** A field of spaces or zeros holds nothing. */
const BLANK = /^[ 0]*$/;

/** As a field of 19 characters. */
export function padField(text: string): string {
  return text.padStart(FIELD_LENGTH, '0');
}

/**
 * What a field holds, without its zeros: exactly 19 characters with them, or none. Anything else is
 * left as it is and refused for what it then is.
 *
 * @throws {Refusal} `CARD_NUMBER_BLANK` for spaces or zeros
 */
function unpadField(text: string): string {
  if (BLANK.test(text)) throw new Refusal('CARD_NUMBER_BLANK');
  return text.length === FIELD_LENGTH ? text.replace(/^0+/, '') : text;
}

/** A number that comes encrypted under a zone key; no number or token in clear has over 19. */
const ENCRYPTED_PATTERN = /^[0-9A-Fa-f]{32}$/;

/**
 * A card number in clear, or encrypted under the zone key of the organization.
 *
 * @throws {Refusal} `CARD_NUMBER_BLANK`, `CARD_NUMBER_NOT_NUMERIC`, `CARD_NUMBER_MALFORMED`,
 *   `NUMBER_ENCRYPTED_LENGTH`
 */
export function parseNumberField(text: string): CardNumber | { readonly encrypted: string } {
  const number = unpadField(text);
  if (ENCRYPTED_PATTERN.test(number)) return { encrypted: number };
  if (number.length > FIELD_LENGTH) throw new Refusal('NUMBER_ENCRYPTED_LENGTH');
  if (!/^[0-9]*$/.test(number)) throw new Refusal('CARD_NUMBER_NOT_NUMERIC');
  return CardNumber.parseNumber(number);
}

/** A token is never encrypted. @throws {Refusal} `CARD_NUMBER_BLANK`, `NUMBER_ENCRYPTED_LENGTH` */
export function parseTokenField(text: string): string {
  const token = unpadField(text);
  if (token.length > FIELD_LENGTH) throw new Refusal('NUMBER_ENCRYPTED_LENGTH');
  return token;
}

/** @returns undefined for a field that is empty, or filled with zeros. @throws {Refusal} `PAN_MALFORMED` */
export function parseNewNumberField(text: string): Pan | undefined {
  return BLANK.test(text) ? undefined : Pan.parse(unpadField(text));
}

/**
 * A field that takes either. No PAN-TOKEN passes the Luhn check, so the two cannot be confused.
 *
 * @throws {Refusal} `CARD_NUMBER_BLANK`
 */
export function parseReferenceField(text: string): CardReference {
  const value = unpadField(text);
  if (!/^[0-9]{12,19}$/.test(value)) return { kind: 'token', token: value };
  const number = CardNumber.parseNumber(value);
  return number.hasCheckDigit ? { kind: 'number', number } : { kind: 'token', token: value };
}

/** The number of an organization without PAN Token: first six and last four in clear, `x` between. */
export function maskField(masked: string): string {
  return masked.replaceAll('*', 'x');
}
