import { completePan } from './pans.ts';

/** All PANs of 16 digits that fit one BIN and one last four: a hundred thousand. */
export function bookOf(first: string, last: string): string[] {
  const pans: string[] = [];
  for (let middle = 0; middle < 1_000_000; middle++) {
    const digits = first + String(middle).padStart(6, '0') + last;
    if (completePan(digits.slice(0, -1)) === digits) pans.push(digits);
  }
  return pans;
}
