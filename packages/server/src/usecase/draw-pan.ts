import type { BinRange } from '../domain/bin-range.ts';
import { Pan } from '../domain/pan.ts';
import type { Random } from './ports.ts';

/**
 * Draws a PAN of a range: its prefix, uniform digits, the check digit (ISO/IEC 7812-1). Whether it was
 * drawn before is not known here.
 */
export function drawPan(random: Random, range: BinRange): Pan {
  const freeDigits = range.panLength - range.prefix.length - 1;
  const drawn = random.integerBelow(10 ** freeDigits);
  return Pan.withCheckDigit(range.prefix + String(drawn).padStart(freeDigits, '0'));
}
