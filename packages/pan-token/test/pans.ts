import { randomInt } from 'node:crypto';
import { luhnResidue } from '../src/index.ts';

/** Draws a PAN that begins with `first`. */
export function randomPan(length: number, first = ''): string {
  let digits = first === '' ? String(randomInt(1, 10)) : first;
  while (digits.length < length - 1) digits += randomInt(10);
  return completePan(digits);
}

/** Adds the check digit, in a string of its own: pieces of a sum of strings read more slowly. */
export function completePan(digits: string): string {
  const check = (10 - luhnResidue(`${digits}0`)) % 10;
  return Buffer.from(`${digits}${check}`).toString('latin1');
}
