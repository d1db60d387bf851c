import { Pan } from '../../src/domain/pan.ts';

/** BINs of the sandbox's organizations. */
export const BIN = {
  mastercard: '540208',
  visa: '457123',
  numeric: '527346',
  off: '453201',
  random: '22230012',
} as const;

/** The PAN of a BIN whose digits before the check digit are `account`. */
export function panOf(prefix: string, account: number, length = 16): string {
  const digits = String(account).padStart(length - 1 - prefix.length, '0');
  return Pan.withCheckDigit(prefix + digits).reveal();
}

let lastAccount = 700_000_000;

/** A PAN of a BIN that no test of this process has used. */
export function freshPan(prefix: string = BIN.mastercard): string {
  lastAccount++;
  const room = 16 - 1 - prefix.length;
  return panOf(prefix, lastAccount % 10 ** room);
}
