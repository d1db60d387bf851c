import { inverseBelow } from './ff1-plan.ts';

/** Arrays of numerals that FF1 takes, and gives back in the same kind. */
export type Numerals = readonly number[] | Uint8Array | Uint16Array | Uint32Array;

/** What FF1 gives for its kind of input: a new, writable array of that kind. */
export type NumeralsLike<D extends Numerals> = D extends Uint8Array
  ? Uint8Array
  : D extends Uint16Array
    ? Uint16Array
    : D extends Uint32Array
      ? Uint32Array
      : number[];

type Writable = number[] | Uint8Array | Uint16Array | Uint32Array;

/** Powers of the radix up to this are read and written as one Number. */
const PIECE_MAX = 2 ** 48;

/** Tells whether `value` is an array that holds numerals of the radix. */
export function canHoldNumerals(value: unknown, radix: number): value is Numerals {
  if (value instanceof Uint8Array) return radix <= 256;
  return Array.isArray(value) || value instanceof Uint16Array || value instanceof Uint32Array;
}

/** Makes an array of zeros of the same kind and length. */
export function newLike<D extends Numerals>(digits: D): NumeralsLike<D> {
  const { length } = digits;
  let made: Writable;
  if (digits instanceof Uint8Array) made = new Uint8Array(length);
  else if (digits instanceof Uint16Array) made = new Uint16Array(length);
  else if (digits instanceof Uint32Array) made = new Uint32Array(length);
  else made = new Array<number>(length).fill(0);
  return made as NumeralsLike<D>;
}

/**
 * Reads numerals, most significant first, as an integer below 2 ** 53.
 *
 * @returns NaN if one of them is no integer from 0 to radix - 1.
 * @see NIST SP 800-38G, algorithm 1
 */
export function readInteger(digits: Numerals, from: number, count: number, radix: number): number {
  let sum = 0;
  for (let at = from; at < from + count; at++) {
    const digit = digits[at] as number;
    if (!Number.isInteger(digit) || digit < 0 || digit >= radix) return Number.NaN;
    sum = sum * radix + digit;
  }
  return sum;
}

/** Reads numerals as a BigInt, or gives undefined where {@link readInteger} gives NaN. */
export function readBigInt(
  digits: Numerals,
  from: number,
  count: number,
  radix: number,
): bigint | undefined {
  const pieceCount = pieceCountOf(radix);
  let sum = 0n;
  for (let done = 0; done < count; done += pieceCount) {
    const size = Math.min(pieceCount, count - done);
    const piece = readInteger(digits, from + done, size, radix);
    if (Number.isNaN(piece)) return undefined;
    sum = sum * BigInt(radix ** size) + BigInt(piece);
  }
  return sum;
}

/**
 * Writes an integer below 2 ** 50 as `count` numerals that end before `end`.
 *
 * @see NIST SP 800-38G, algorithm 3
 */
export function writeInteger(
  value: number,
  radix: number,
  digits: Writable,
  end: number,
  count: number,
): void {
  const inverse = inverseBelow(radix);
  let rest = value;
  for (let at = end - 1; at >= end - count; at--) {
    let quotient = Math.floor(rest * inverse);
    let digit = rest - quotient * radix;
    if (digit >= radix) {
      digit -= radix;
      quotient++;
    }
    digits[at] = digit;
    rest = quotient;
  }
}

/** Writes a BigInt as `count` numerals that end before `end`. */
export function writeBigInt(
  value: bigint,
  radix: number,
  digits: Writable,
  end: number,
  count: number,
): void {
  const pieceCount = pieceCountOf(radix);
  const divisor = BigInt(radix ** pieceCount);
  let rest = value;
  for (let done = 0; done < count; done += pieceCount) {
    const size = Math.min(pieceCount, count - done);
    writeInteger(Number(rest % divisor), radix, digits, end - done, size);
    rest /= divisor;
  }
}

/** How many numerals make up the largest piece. */
function pieceCountOf(radix: number): number {
  let count = 1;
  while (radix ** (count + 1) <= PIECE_MAX) count++;
  return count;
}
