/**
 * The integers of FF1 that depend on radix and length only: the sizes of the halves, their moduli,
 * and how to reduce by them in Numbers without rounding.
 *
 * @see NIST SP 800-38G, algorithm 7, steps 1, 3 and 4
 */

/** One half of the numerals, as an integer from 0 to `modulus` - 1. */
export interface Half {
  /** Numerals in this half: `u` or `v` of the standard. */
  readonly numerals: number;
  /** radix ** numerals, exact below 2 ** 53 only. */
  readonly modulus: number;
  readonly bigModulus: bigint;
  /** See {@link inverseBelow}. */
  readonly inverse: number;
  /** 2 ** 16, 2 ** 32 and 2 ** 48 modulo `modulus`: what a piece of y that far up counts. */
  readonly factor16: number;
  readonly factor32: number;
  readonly factor48: number;
}

/** Which numbers hold the halves: see ff1-round.ts, and ff1-big.ts for `big`. */
export type Arithmetic = 'narrow' | 'medium' | 'wide' | 'big';

export interface Plan {
  readonly radix: number;
  /** Numerals in all: `n` of the standard. */
  readonly length: number;
  readonly left: Half;
  readonly right: Half;
  /** Bytes that hold the right half: `b` of the standard. */
  readonly halfBytes: number;
  /** Bytes of each round's pseudorandom integer: `d` of the standard. */
  readonly roundBytes: number;
  readonly arithmetic: Arithmetic;
}

/** A plan whose halves are Numbers. */
export interface NumberPlan extends Plan {
  readonly arithmetic: Exclude<Arithmetic, 'big'>;
}

/**
 * The largest modulus of `narrow` arithmetic. A round adds up (2 ** 32 - 1) * (modulus - 1) for the
 * upper word, 2 ** 32 - 1 for the lower and modulus for the half: together 2 ** 32 * modulus, and
 * Numbers hold all integers up to 2 ** 53.
 */
const NARROW_MAX = 2 ** 21;

/** The largest modulus of `medium` arithmetic: the largest for which y is two words. */
const MEDIUM_MAX = 2 ** 32;

/** The largest modulus of `wide` arithmetic; see `reduce` in ff1-round.ts. */
const WIDE_MAX = 2 ** 50;

const plans = new Map<number, Plan>();

/** How many plans are kept; more are needed by nobody but tests. */
const PLANS_MAX = 256;

/**
 * Gives the plan for a radix and a length.
 *
 * @param radix 2 to 65536.
 * @param length 2 to 4096.
 */
export function planFor(radix: number, length: number): Plan {
  const place = radix * 2 ** 13 + length;
  let plan = plans.get(place);
  if (plan === undefined) {
    plan = makePlan(radix, length);
    if (plans.size === PLANS_MAX) plans.clear();
    plans.set(place, plan);
  }
  return plan;
}

/** Tells whether Numbers hold the halves. */
export function isNumberPlan(plan: Plan): plan is NumberPlan {
  return plan.arithmetic !== 'big';
}

function makePlan(radix: number, length: number): Plan {
  // Step 1: u = floor(n / 2), v = n - u.
  const u = length >> 1;
  const v = length - u;
  const bigRight = BigInt(radix) ** BigInt(v);
  const arithmetic = arithmeticOf(bigRight);
  // Step 3, in integers: ceil(v * log2(radix)) is the bit length of radix ** v - 1.
  const halfBytes = Math.ceil((bigRight - 1n).toString(2).length / 8);
  return {
    radix,
    length,
    left: halfOf(radix, u),
    right: halfOf(radix, v),
    halfBytes,
    roundBytes: 4 * Math.ceil(halfBytes / 4) + 4, // Step 4.
    arithmetic,
  };
}

/**
 * Gives the first block of the pseudorandom function's input, `P` of the standard.
 *
 * @see NIST SP 800-38G, algorithm 7, step 5
 */
export function firstBlockOf(plan: Plan, tweakLength: number): Uint8Array {
  const block = new Uint8Array(16);
  const view = new DataView(block.buffer);
  view.setUint32(0, 0x01_02_01_00 + (plan.radix >>> 16)); // The radix takes three bytes.
  view.setUint16(4, plan.radix);
  view.setUint16(6, 0x0a_00 + (plan.left.numerals % 256));
  view.setUint32(8, plan.length);
  view.setUint32(12, tweakLength);
  return block;
}

/**
 * Gives a little less than 1 / divisor, so that `Math.floor(x * inverse)` is the quotient or one
 * below it, never one above: a remainder computed with it needs one correction, in one direction.
 *
 * 1 / divisor and the product are each rounded by at most a factor 1 + 2 ** -53; taking off
 * 2 ** -51 keeps the whole below. Quotients here are below 2 ** 50: what is taken off is below 1.
 */
export function inverseBelow(divisor: number): number {
  return (1 / divisor) * (1 - 2 ** -51);
}

function arithmeticOf(modulus: bigint): Arithmetic {
  if (modulus <= NARROW_MAX) return 'narrow';
  if (modulus <= MEDIUM_MAX) return 'medium';
  return modulus <= WIDE_MAX ? 'wide' : 'big';
}

function halfOf(radix: number, numerals: number): Half {
  const bigModulus = BigInt(radix) ** BigInt(numerals);
  const modulus = Number(bigModulus);
  return {
    numerals,
    modulus,
    bigModulus,
    inverse: inverseBelow(modulus),
    factor16: 2 ** 16 % modulus,
    factor32: 2 ** 32 % modulus,
    factor48: 2 ** 48 % modulus,
  };
}
