/**
 * The PAN-TOKEN format once more, on the FF1 of `@noble/ciphers`: written from
 * docs/pan-token-format.md and sharing nothing with `src`. Tests compare with it, the benchmark
 * races against it.
 */

import { FF1 } from '@noble/ciphers/ff1.js';
import type { FormatSpec } from '../src/index.ts';

const SYMBOLS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

interface Rival {
  /** Gives the token of a PAN that the format serves. */
  tokenize(pan: string): string;
  /** Gives the PAN, or undefined if the string is no token of this epoch. */
  detokenize(token: string): string | undefined;
  /** How often FF1 ran so far. */
  callCount(): number;
}

export function makeRival(spec: FormatSpec, epoch: number, key: Uint8Array): Rival {
  const { alphabet, keepFirst, keepLast } = spec;
  const letter = SYMBOLS[10 + ((epoch - 1) % 26)] as string;
  const residue = ((epoch - 1) % 9) + 1;
  let calls = 0;

  function split(text: string) {
    const lastAt = text.length - keepLast;
    return [text.slice(0, keepFirst), text.slice(keepFirst, lastAt), text.slice(lastAt)] as const;
  }

  function cipherFor(text: string) {
    const [first, middle, last] = split(text);
    const isAlphanumeric = alphabet === 'alphanumeric';
    const walks = !isAlphanumeric && middle.length === 6;
    const head = ((isAlphanumeric ? 1 : 0) << 7) | (keepFirst << 3) | keepLast | (walks ? 1 : 0);
    const kept = Array.from(first + last, (digit) => digit.charCodeAt(0));
    const ff1 = FF1(isAlphanumeric ? 36 : 10, key, Uint8Array.from([head, ...kept]));
    const run = (step: (numerals: number[]) => number[]) => (symbols: string) => {
      calls++;
      const numerals = step(Array.from(symbols, (symbol) => SYMBOLS.indexOf(symbol)));
      return numerals.map((numeral) => SYMBOLS[numeral]).join('');
    };
    return { first, middle, last, walks, encrypt: run(ff1.encrypt), decrypt: run(ff1.decrypt) };
  }

  function tokenize(pan: string): string {
    const { first, middle, last, walks, encrypt } = cipherFor(pan);
    if (walks) {
      let at = split(withResidue(pan, keepLast, residue))[1];
      do at = encrypt(at);
      while (luhn(first + at + last) !== residue);
      return first + at + last;
    }
    let y = encrypt(middle.slice(0, -1));
    if (alphabet === 'alphanumeric') return first + letter + y + last;
    while (keepFirst === 0 && y.startsWith('0')) y = encrypt(y);
    return withResidue(`${first}${y}0${last}`, keepLast, residue);
  }

  function detokenize(token: string): string | undefined {
    const { first, middle, last, walks, decrypt } = cipherFor(token);
    if (alphabet === 'alphanumeric') {
      const u = middle.startsWith(letter) ? decrypt(middle.slice(1)) : '?';
      if (!/^[0-9]+$/.test(u)) return undefined;
      const pan = withResidue(`${first}${u}0${last}`, keepLast, 0);
      return pan.startsWith('0') ? undefined : pan;
    }
    if (token.startsWith('0') || luhn(token) !== residue) return undefined;
    if (walks) {
      let at = middle;
      do at = decrypt(at);
      while (luhn(first + at + last) !== residue);
      return withResidue(first + at + last, keepLast, 0);
    }
    let u = decrypt(middle.slice(0, -1));
    while (keepFirst === 0 && u.startsWith('0')) u = decrypt(u);
    return withResidue(`${first}${u}0${last}`, keepLast, 0);
  }

  return { tokenize, detokenize, callCount: () => calls };
}

/** Tries the ten digits in the place of the last replaced one. */
function withResidue(text: string, keepLast: number, residue: number): string {
  const at = text.length - keepLast - 1;
  for (let digit = 0; digit < 10; digit++) {
    const candidate = text.slice(0, at) + digit + text.slice(at + 1);
    if (luhn(candidate) === residue) return candidate;
  }
  throw new Error('one digit reaches every residue');
}

function luhn(digits: string): number {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48;
    const weighted = index % 2 === 0 ? digit : 2 * digit;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10;
}
