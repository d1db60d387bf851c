import { AesKey, prepareAesKey } from './aes.ts';
import { DOMAIN_MIN } from './format.ts';

/** Arrays of numerals that FF1 takes, and gives back in the same kind. */
export type Numerals = readonly number[] | Uint8Array | Uint16Array | Uint32Array;

/** What {@link ff1Encrypt} gives for its kind of input: a new, writable array of that kind. */
export type NumeralsLike<D extends Numerals> = D extends Uint8Array
  ? Uint8Array
  : D extends Uint16Array
    ? Uint16Array
    : D extends Uint32Array
      ? Uint32Array
      : number[];

export interface Ff1Params {
  /** 16, 24 or 32 bytes, or a key from `prepareAesKey` that saves the key expansion. */
  readonly key: Uint8Array | AesKey;
  /** 2 to 65536. */
  readonly radix: number;
  /** 0 to 65,536 bytes; it need not be secret. */
  readonly tweak: Uint8Array;
  /**
   * For test vectors of the first edition of the standard only: the smallest allowed value of
   * `radix ** digits.length`, from 100. Default and recommendation: 1,000,000.
   */
  readonly domainMin?: number;
}

const RADIX_MAX = 65_536;
/** SP 800-38G allows 2 ** 32 - 1; arithmetic on halves is quadratic, so we stop far earlier. */
const LENGTH_MAX = 4_096;
const TWEAK_MAX = 65_536;
/** SP 800-38G, first edition, section 5.1. */
const DOMAIN_MIN_2016 = 100;

/**
 * Encrypts a string of numerals with FF1.
 *
 * @param digits 2 to 4,096 integers from 0 to `radix` - 1, most significant first; not changed.
 * @returns as many numerals in a new array of the same kind.
 * @throws {TypeError | RangeError} naming the argument, never its value.
 * @see NIST SP 800-38G, algorithm 7
 */
export function ff1Encrypt<D extends Numerals>(params: Ff1Params, digits: D): NumeralsLike<D> {
  return permute(params, digits, 'encrypt');
}

/**
 * Decrypts a string of numerals with FF1: the inverse of {@link ff1Encrypt}.
 *
 * @see NIST SP 800-38G, algorithm 8
 */
export function ff1Decrypt<D extends Numerals>(params: Ff1Params, digits: D): NumeralsLike<D> {
  return permute(params, digits, 'decrypt');
}

function permute<D extends Numerals>(
  params: Ff1Params,
  digits: D,
  direction: 'encrypt' | 'decrypt',
): NumeralsLike<D> {
  const aes = checkParams(params);
  checkDigits(params, digits);
  const { radix, tweak } = params;
  const n = digits.length;
  const u = n >> 1;
  const v = n - u;
  const big = BigInt(radix);
  const b = byteLength(big ** BigInt(v) - 1n);
  const d = 4 * Math.ceil(b / 4) + 4;
  const prf = makePrf(aes, radix, n, u, tweak, b, d);
  let left = toInteger(digits.slice(0, u), big);
  let right = toInteger(digits.slice(u), big);
  const modU = big ** BigInt(u);
  const modV = big ** BigInt(v);
  if (direction === 'encrypt') {
    for (let i = 0; i < 10; i++) {
      const c = (left + prf(i, right)) % (i % 2 === 0 ? modU : modV);
      left = right;
      right = c;
    }
  } else {
    for (let i = 9; i >= 0; i--) {
      const m = i % 2 === 0 ? modU : modV;
      const c = (((right - prf(i, left)) % m) + m) % m;
      right = left;
      left = c;
    }
  }
  const out = newLike(digits);
  writeInteger(left, big, out, 0, u);
  writeInteger(right, big, out, u, v);
  return out as NumeralsLike<D>;
}

function makePrf(
  aes: AesKey,
  radix: number,
  n: number,
  u: number,
  tweak: Uint8Array,
  b: number,
  d: number,
): (round: number, half: bigint) => bigint {
  const t = tweak.length;
  const pad = (16 - ((t + b + 1) % 16)) % 16;
  const pq = new Uint8Array(16 + t + pad + 1 + b);
  const view = new DataView(pq.buffer);
  view.setUint32(0, 0x01020100 | (radix >>> 16));
  view.setUint16(4, radix & 0xffff);
  view.setUint16(6, 0x0a00 | (u & 0xff));
  view.setUint32(8, n);
  view.setUint32(12, t);
  pq.set(tweak, 16);
  return (round, half) => {
    pq[pq.length - b - 1] = round;
    for (let at = pq.length - 1, rest = half; at >= pq.length - b; at--, rest >>= 8n) {
      pq[at] = Number(rest & 0xffn);
    }
    let r: Uint8Array = new Uint8Array(16);
    for (let at = 0; at < pq.length; at += 16) {
      r = aes.encryptBlocks(xor(r, pq.subarray(at, at + 16)));
    }
    const s = [...r];
    for (let j = 1; s.length < d; j++) {
      const block = new Uint8Array(16);
      new DataView(block.buffer).setUint32(12, j);
      s.push(...aes.encryptBlocks(xor(r, block)));
    }
    return s.slice(0, d).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  };
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ (b[index] ?? 0));
}

function byteLength(value: bigint): number {
  return Math.ceil(value.toString(2).length / 8);
}

function toInteger(digits: Numerals, radix: bigint): bigint {
  let sum = 0n;
  for (const digit of digits) sum = sum * radix + BigInt(digit);
  return sum;
}

function writeInteger(value: bigint, radix: bigint, out: number[], start: number, count: number) {
  let rest = value;
  for (let at = start + count - 1; at >= start; at--) {
    out[at] = Number(rest % radix);
    rest /= radix;
  }
}

function newLike(digits: Numerals): number[] {
  const { length } = digits;
  if (digits instanceof Uint8Array) return new Uint8Array(length) as unknown as number[];
  if (digits instanceof Uint16Array) return new Uint16Array(length) as unknown as number[];
  if (digits instanceof Uint32Array) return new Uint32Array(length) as unknown as number[];
  return new Array<number>(length).fill(0);
}

function checkParams({ key, radix, tweak, domainMin }: Ff1Params): AesKey {
  if (!Number.isInteger(radix) || radix < 2 || radix > RADIX_MAX) {
    throw new RangeError('radix must be an integer from 2 to 65536');
  }
  if (!(tweak instanceof Uint8Array)) throw new TypeError('tweak must be a Uint8Array');
  if (tweak.length > TWEAK_MAX) throw new RangeError('tweak must be at most 65536 bytes');
  if (domainMin !== undefined && !(domainMin >= DOMAIN_MIN_2016)) {
    throw new RangeError('domainMin must be at least 100');
  }
  return key instanceof AesKey ? key : prepareAesKey(key);
}

function checkDigits({ radix, domainMin = DOMAIN_MIN }: Ff1Params, digits: Numerals): void {
  const { length } = digits;
  if (!(length >= 2 && length <= LENGTH_MAX)) {
    throw new RangeError('digits must have a length from 2 to 4096');
  }
  if (radix ** length < domainMin) {
    throw new RangeError(`digits: the domain radix ** length must be at least ${domainMin}`);
  }
  if (digits instanceof Uint8Array && radix > 256) {
    throw new RangeError('digits: a Uint8Array cannot hold the numerals of a radix above 256');
  }
  for (let index = 0; index < length; index++) {
    const digit = digits[index];
    if (!Number.isInteger(digit) || (digit as number) < 0 || (digit as number) >= radix) {
      throw new RangeError(`digits[${index}] must be an integer from 0 to radix - 1`);
    }
  }
}
