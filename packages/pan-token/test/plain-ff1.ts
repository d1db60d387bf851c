/**
 * FF1 as the standard writes it, step by step, in BigInt and one block at a time. Shares nothing
 * with `src`, and takes radix 65536, which `@noble/ciphers` does not.
 *
 * @see NIST SP 800-38G, algorithms 6 and 7
 */

import { createCipheriv } from 'node:crypto';

export function plainFf1Encrypt(
  key: Uint8Array,
  radix: number,
  tweak: Uint8Array,
  numerals: readonly number[],
): number[] {
  const n = numerals.length;
  const t = tweak.length;
  const u = Math.floor(n / 2);
  const v = n - u;
  let a = numerals.slice(0, u);
  let b = numerals.slice(u);
  const bytes = Math.ceil(bitLength(BigInt(radix) ** BigInt(v) - 1n) / 8);
  const d = 4 * Math.ceil(bytes / 4) + 4;
  const p = [1, 2, 1, ...bytesOf(BigInt(radix), 3), 10, u % 256];
  p.push(...bytesOf(BigInt(n), 4), ...bytesOf(BigInt(t), 4));
  for (let i = 0; i < 10; i++) {
    const zeros = new Array<number>((((-t - bytes - 1) % 16) + 16) % 16).fill(0);
    const q = [...tweak, ...zeros, i, ...bytesOf(numberOf(b, radix), bytes)];
    const r = prf(key, [...p, ...q]);
    const s = [...r];
    for (let j = 1; s.length < d; j++) {
      const counter = bytesOf(BigInt(j), 16);
      s.push(
        ...encryptBlock(
          key,
          r.map((byte, at) => byte ^ (counter[at] as number)),
        ),
      );
    }
    const y = numberOf(s.slice(0, d), 256);
    const m = i % 2 === 0 ? u : v;
    const c = (numberOf(a, radix) + y) % BigInt(radix) ** BigInt(m);
    a = b;
    b = numeralsOf(c, radix, m);
  }
  return [...a, ...b];
}

/** The CBC-MAC of whole blocks. */
function prf(key: Uint8Array, input: readonly number[]): number[] {
  let mac = new Array<number>(16).fill(0);
  for (let at = 0; at < input.length; at += 16) {
    mac = encryptBlock(
      key,
      mac.map((byte, index) => byte ^ (input[at + index] as number)),
    );
  }
  return mac;
}

function encryptBlock(key: Uint8Array, block: readonly number[]): number[] {
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  return [...cipher.update(Uint8Array.from(block))];
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}

function bytesOf(value: bigint, count: number): number[] {
  return numeralsOf(value, 256, count);
}

function numberOf(numerals: readonly number[], radix: number): bigint {
  return numerals.reduce((sum, numeral) => sum * BigInt(radix) + BigInt(numeral), 0n);
}

function numeralsOf(value: bigint, radix: number, count: number): number[] {
  const numerals: number[] = [];
  for (let rest = value; numerals.length < count; rest /= BigInt(radix)) {
    numerals.unshift(Number(rest % BigInt(radix)));
  }
  return numerals;
}
