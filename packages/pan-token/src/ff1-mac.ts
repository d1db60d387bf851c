import type { AesKey } from './aes.ts';
import { firstBlockOf, type Plan } from './ff1-plan.ts';

/** Bytes of an AES block. */
export const BLOCK = 16;

/**
 * Gives the end of FF1's CBC-MAC input that the rounds work on, with the CBC-MAC of all that comes
 * before it added to its first block: what does not change from round to round is done once.
 *
 * @returns whole blocks that end in zeros for the round number and the half: one block, unless the
 *   half takes more than 15 bytes.
 * @see NIST SP 800-38G, algorithm 6, and algorithm 7, steps 5 and 6.i
 */
export function variableBlocks(aes: AesKey, plan: Plan, tweak: Uint8Array): Uint8Array {
  const variable = BLOCK * Math.ceil((1 + plan.halfBytes) / BLOCK);
  const whole = BLOCK * Math.ceil((tweak.length + 1 + plan.halfBytes) / BLOCK);
  const input = new Uint8Array(whole);
  input.set(tweak);
  let mac = aes.encryptBlocks(firstBlockOf(plan, tweak.length));
  let at = 0;
  for (; at < whole - variable; at += BLOCK) {
    addTo(input, at, mac);
    mac = aes.encryptBlocks(input.subarray(at, at + BLOCK));
  }
  addTo(input, at, mac);
  return input.subarray(at);
}

/** Adds a block, bit by bit, to the bytes that begin at `start`. */
export function addTo(bytes: Uint8Array, start: number, block: Uint8Array): void {
  for (let at = 0; at < BLOCK; at++) {
    bytes[start + at] = (bytes[start + at] as number) ^ (block[at] as number);
  }
}
