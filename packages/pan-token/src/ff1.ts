import { AesKey, prepareAesKey } from './aes.ts';
import type { Direction } from './ff1-lane.ts';
import { type Plan, planFor } from './ff1-plan.ts';
import { permuteStrings } from './ff1-strings.ts';
import { DOMAIN_MIN } from './format.ts';
import { canHoldNumerals, type Numerals, type NumeralsLike } from './numerals.ts';

export interface Ff1Params {
  /** 16, 24 or 32 bytes, or a key from `prepareAesKey`, which saves the key expansion. */
  readonly key: Uint8Array | AesKey;
  /** 2 to 65536. */
  readonly radix: number;
  /** 0 to 65,536 bytes; need not be secret. */
  readonly tweak: Uint8Array;
  /**
   * For test vectors of the first edition of the standard only: the smallest allowed value of
   * `radix ** digits.length`, from 100. By default 1,000,000, as revision 1 requires.
   */
  readonly domainMin?: number;
}

const RADIX_MAX = 65_536;
const TWEAK_MAX = 65_536;

/** NIST SP 800-38G, first edition, section 5.1. */
const DOMAIN_MIN_2016 = 100;

/** The standard's two halves need two numerals; BigInt arithmetic is quadratic, hence an end. */
const LENGTH_MIN = 2;
const LENGTH_MAX = 4_096;

/**
 * Encrypts a string of numerals with FF1.
 *
 * @param digits 2 to 4,096 integers from 0 to `radix` - 1, most significant first; not changed.
 * @returns as many numerals in a new array of the same kind.
 * @throws {TypeError | RangeError} naming the argument, never its value.
 * @see NIST SP 800-38G, algorithm 7
 */
export function ff1Encrypt<D extends Numerals>(params: Ff1Params, digits: D): NumeralsLike<D> {
  return permuteSingle(params, digits, 'encrypt');
}

/**
 * Decrypts a string of numerals with FF1: the inverse of {@link ff1Encrypt}.
 *
 * @throws what {@link ff1Encrypt} throws.
 * @see NIST SP 800-38G, algorithm 8
 */
export function ff1Decrypt<D extends Numerals>(params: Ff1Params, digits: D): NumeralsLike<D> {
  return permuteSingle(params, digits, 'decrypt');
}

/**
 * Encrypts many strings of numerals under one key, radix and tweak: the same as {@link ff1Encrypt}
 * on each, and many times faster.
 *
 * @param list strings of any lengths; not changed.
 * @returns the results, in the order of the list.
 * @throws what {@link ff1Encrypt} throws, for the first string that is refused.
 */
export function ff1EncryptMany<D extends Numerals>(
  params: Ff1Params,
  list: readonly D[],
): NumeralsLike<D>[] {
  return permuteMany(params, list, 'encrypt');
}

/** Decrypts many strings of numerals: the inverse of {@link ff1EncryptMany}. */
export function ff1DecryptMany<D extends Numerals>(
  params: Ff1Params,
  list: readonly D[],
): NumeralsLike<D>[] {
  return permuteMany(params, list, 'decrypt');
}

function permuteSingle<D extends Numerals>(
  params: Ff1Params,
  digits: D,
  direction: Direction,
): NumeralsLike<D> {
  const aes = checkParams(params);
  const plan = planOf(params, digits, 'digits');
  const results: NumeralsLike<D>[] = [];
  const run = { aes, plan, tweak: params.tweak, direction, nameOf: () => 'digits' };
  permuteStrings(run, [digits], [0], results);
  return results[0] as NumeralsLike<D>;
}

function permuteMany<D extends Numerals>(
  params: Ff1Params,
  list: readonly D[],
  direction: Direction,
): NumeralsLike<D>[] {
  const aes = checkParams(params);
  if (!Array.isArray(list)) throw new TypeError('list must be an array');
  const strings: readonly D[] = [...list]; // Read once: a getter may give something else later.
  const nameOf = (place: number) => `list[${place}]`;
  const placesOfPlan = new Map<Plan, number[]>();
  for (const [place, digits] of strings.entries()) {
    const plan = planOf(params, digits, nameOf(place));
    const places = placesOfPlan.get(plan);
    if (places === undefined) placesOfPlan.set(plan, [place]);
    else places.push(place);
  }
  const results = new Array<NumeralsLike<D>>(strings.length);
  for (const [plan, places] of placesOfPlan) {
    permuteStrings({ aes, plan, tweak: params.tweak, direction, nameOf }, strings, places, results);
  }
  return results;
}

function checkParams({ key, radix, tweak, domainMin = DOMAIN_MIN }: Ff1Params): AesKey {
  if (!Number.isInteger(radix) || radix < 2 || radix > RADIX_MAX) {
    throw new RangeError('radix must be an integer from 2 to 65536');
  }
  if (!(tweak instanceof Uint8Array)) throw new TypeError('tweak must be a Uint8Array');
  if (tweak.length > TWEAK_MAX) throw new RangeError('tweak must be at most 65536 bytes');
  if (!(domainMin >= DOMAIN_MIN_2016)) throw new RangeError('domainMin must be at least 100');
  return key instanceof AesKey ? key : prepareAesKey(key);
}

function planOf(
  { radix, domainMin = DOMAIN_MIN }: Ff1Params,
  digits: Numerals,
  name: string,
): Plan {
  if (!canHoldNumerals(digits, radix)) {
    throw new TypeError(`${name} must be an array that can hold numerals of the radix`);
  }
  const { length } = digits;
  if (length < LENGTH_MIN || length > LENGTH_MAX) {
    throw new RangeError(`${name} must have a length from 2 to 4096`);
  }
  if (radix ** length < domainMin) {
    throw new RangeError(`${name}: the domain radix ** length must be at least ${domainMin}`);
  }
  return planFor(radix, length);
}
