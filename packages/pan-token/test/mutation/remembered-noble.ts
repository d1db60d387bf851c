/**
 * Stands in for FF1 of `@noble/ciphers` under mutation: tests ask it the same for every mutant, and
 * it takes longer than all else in them. What it gave is kept.
 */

import { FF1 as nobleFf1 } from '@noble/ciphers/ff1.js';

const answers = new Map<string, readonly number[]>();

export function FF1(radix: number, key: Uint8Array, tweak: Uint8Array) {
  const noble = nobleFf1(radix, key, tweak);
  const name = `${radix} ${Buffer.from(key).toString('hex')} ${Buffer.from(tweak).toString('hex')}`;
  const remembered = (direction: 'encrypt' | 'decrypt') => (numerals: number[]) => {
    const question = `${direction} ${name} ${numerals.join()}`;
    let answer = answers.get(question);
    if (answer === undefined) {
      answer = noble[direction](numerals);
      answers.set(question, answer);
    }
    return [...answer];
  };
  return { encrypt: remembered('encrypt'), decrypt: remembered('decrypt') };
}
