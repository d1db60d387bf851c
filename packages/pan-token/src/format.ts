import { PanTokenError } from './error.ts';
import { PAN_LENGTH_MAX, PAN_LENGTH_MIN } from './pan.ts';

export type Alphabet = 'numeric' | 'alphanumeric';

/** What an organization asks for. */
export interface FormatSpec {
  /** The symbols of the replaced part: digits, or digits and capital letters. */
  readonly alphabet: Alphabet;
  /** How many digits of the PAN stay in clear in front: 0, 6 or 8. */
  readonly keepFirst: 0 | 6 | 8;
  /** How many digits of the PAN stay in clear at the end: 0 or 4. */
  readonly keepLast: 0 | 4;
  /** The PAN lengths to serve, 12 to 19. Omitted: every length the format can serve. */
  readonly panLengths?: readonly number[];
}

/** A checked, frozen format. Made by {@link parseFormat} or `parseRandomFormat` only. */
export interface TokenFormat extends FormatSpec {
  readonly engine: 'keyed' | 'random';
  /** The lengths served, ascending. */
  readonly panLengths: readonly number[];
}

/** A format whose tokens are made by FF1 under the key of an epoch. */
export interface KeyedFormat extends TokenFormat {
  readonly engine: 'keyed';
}

/** A format whose tokens are drawn, not computed; what they stand for is in a record only. */
export interface RandomFormat extends TokenFormat {
  readonly engine: 'random';
}

/** How a format replaces the middle of PANs of one length. */
export interface Layout {
  /** The same for the same layout of another format, and different otherwise; below 2,048. */
  readonly id: number;
  readonly alphabet: Alphabet;
  readonly keepFirst: number;
  readonly keepLast: number;
  readonly panLength: number;
  /** Digits replaced: `m` of the format page. */
  readonly replaced: number;
  readonly method: 'direct' | 'walk';
  readonly radix: 10 | 36;
  /** Numerals that FF1 permutes. */
  readonly length: number;
  /** The first byte of the tweak. */
  readonly tweakHead: number;
}

/** NIST SP 800-38G revision 1, second draft, section 5.1: radix ** minlen must be at least this. */
export const DOMAIN_MIN = 1_000_000;

/** Below four symbols, 10,000 tokens for 1,000 PANs, random draws would collide all the time. */
const REPLACED_MIN = 4;

const layoutsOf = new WeakMap<TokenFormat, readonly (Layout | undefined)[]>();

/**
 * Checks a keyed format and gives it frozen.
 *
 * @param spec its `panLengths` may be in any order, without repetition.
 * @throws {RangeError} naming the field that has a value outside {@link FormatSpec}.
 * @throws {PanTokenError} `FORMAT_LENGTH_NOT_SERVABLE` if a listed length leaves FF1 a domain below
 *   1,000,000; the message holds the domain.
 */
export function parseFormat(spec: FormatSpec): KeyedFormat {
  const { alphabet, keepFirst, keepLast } = checkSpec(spec);
  const layouts: (Layout | undefined)[] = [];
  const panLengths = servedLengths(spec.panLengths, (panLength) => {
    const layout = layoutFor(alphabet, keepFirst, keepLast, panLength);
    const { radix, length } = layout;
    if (radix ** length < DOMAIN_MIN) {
      const domain = `${radix} ** ${Math.max(length, 0)}`;
      return `A PAN of ${panLength} digits leaves FF1 a domain of ${domain}, below ${DOMAIN_MIN}.`;
    }
    layouts[panLength] = Object.freeze(layout);
    return undefined;
  });
  const format = Object.freeze({
    engine: 'keyed' as const,
    alphabet,
    keepFirst,
    keepLast,
    panLengths,
  });
  layoutsOf.set(format, layouts);
  return format;
}

/**
 * Checks a format of the `random` engine and gives it frozen.
 *
 * @throws {RangeError} naming the field that has a value outside {@link FormatSpec}.
 * @throws {PanTokenError} `FORMAT_LENGTH_NOT_SERVABLE` if a listed length leaves fewer than four
 *   digits to replace.
 */
export function parseRandomFormat(spec: FormatSpec): RandomFormat {
  const { alphabet, keepFirst, keepLast } = checkSpec(spec);
  const panLengths = servedLengths(spec.panLengths, (panLength) => {
    const replaced = panLength - keepFirst - keepLast;
    return replaced < REPLACED_MIN
      ? `A PAN of ${panLength} digits leaves ${replaced} to replace, fewer than ${REPLACED_MIN}.`
      : undefined;
  });
  return Object.freeze({ engine: 'random' as const, alphabet, keepFirst, keepLast, panLengths });
}

/**
 * Gives the layout of a keyed format for a PAN length, or nothing if it does not serve the length.
 *
 * @throws {TypeError} if `format` was not made by {@link parseFormat}.
 */
export function layoutOf(format: KeyedFormat, panLength: number): Layout | undefined {
  return layoutTableOf(format)[panLength];
}

/** Gives all layouts of a keyed format, by PAN length. */
export function layoutTableOf(format: KeyedFormat): readonly (Layout | undefined)[] {
  const layouts = layoutsOf.get(format);
  if (layouts === undefined) throw new TypeError('format must come from parseFormat');
  return layouts;
}

function checkSpec(spec: FormatSpec): FormatSpec {
  if (typeof spec !== 'object' || spec === null) throw new TypeError('format must be an object');
  const { alphabet, keepFirst, keepLast } = spec;
  if (alphabet !== 'numeric' && alphabet !== 'alphanumeric') {
    throw new RangeError("alphabet must be 'numeric' or 'alphanumeric'");
  }
  if (keepFirst !== 0 && keepFirst !== 6 && keepFirst !== 8) {
    throw new RangeError('keepFirst must be 0, 6 or 8');
  }
  if (keepLast !== 0 && keepLast !== 4) throw new RangeError('keepLast must be 0 or 4');
  return { alphabet, keepFirst, keepLast };
}

/** @param findObstacle says why a length cannot be served, if it cannot. */
function servedLengths(
  listed: readonly number[] | undefined,
  findObstacle: (panLength: number) => string | undefined,
): readonly number[] {
  if (listed === undefined) {
    const served: number[] = [];
    for (let panLength = PAN_LENGTH_MIN; panLength <= PAN_LENGTH_MAX; panLength++) {
      if (findObstacle(panLength) === undefined) served.push(panLength);
    }
    return Object.freeze(served);
  }
  const served = checkLengths(listed);
  for (const panLength of served) {
    const obstacle = findObstacle(panLength);
    if (obstacle !== undefined) throw new PanTokenError('FORMAT_LENGTH_NOT_SERVABLE', obstacle);
  }
  return Object.freeze(served);
}

function checkLengths(listed: readonly number[]): number[] {
  if (!Array.isArray(listed) || listed.length === 0) {
    throw new RangeError('panLengths must be a list of at least one length');
  }
  for (const panLength of listed) {
    const isLength =
      Number.isInteger(panLength) && panLength >= PAN_LENGTH_MIN && panLength <= PAN_LENGTH_MAX;
    if (!isLength) throw new RangeError('panLengths must hold integers from 12 to 19');
  }
  if (new Set(listed).size !== listed.length) throw new RangeError('panLengths must not repeat');
  return [...listed].sort((a, b) => a - b);
}

/** The table under "FF1" in docs/pan-token-format.md. */
function layoutFor(
  alphabet: Alphabet,
  keepFirst: number,
  keepLast: number,
  panLength: number,
): Layout {
  const replaced = panLength - keepFirst - keepLast;
  // Six digits are the million and leave none to spare; fewer are refused, in their own radix.
  const method = alphabet === 'numeric' && replaced <= 6 ? 'walk' : 'direct';
  const alphabetBit = alphabet === 'alphanumeric' ? 0x80 : 0;
  const methodBit = method === 'walk' ? 1 : 0;
  const tweakHead = alphabetBit | (keepFirst << 3) | keepLast | methodBit;
  return {
    id: tweakHead * 8 + (panLength - PAN_LENGTH_MIN),
    alphabet,
    keepFirst,
    keepLast,
    panLength,
    replaced,
    method,
    radix: alphabet === 'alphanumeric' ? 36 : 10,
    length: method === 'walk' ? replaced : replaced - 1,
    tweakHead,
  };
}
