import type { AesKey } from './aes.ts';
import type { Direction } from './ff1-lane.ts';
import { firstBlockOf, type NumberPlan, planFor } from './ff1-plan.ts';
import type { Layout } from './format.ts';
import { CODE_OF_A } from './symbols.ts';

/** What {@link Recipe} holds where no residue is asked for. */
export const ANY_RESIDUE = -1;

/** What {@link Recipe} holds where no letter is written. */
export const NO_LETTER = 0;

/**
 * How one key makes, or opens, tokens of one layout: everything that does not depend on the PAN.
 *
 * Making and opening, direct and walk, differ in these values only; slot.ts carries them out.
 * Places count from the start of the PAN or token.
 */
export interface Recipe {
  readonly layout: Layout;
  readonly plan: NumberPlan;
  readonly aes: AesKey;
  readonly direction: Direction;
  readonly base: TweakBase;
  /** Where the numerals are read, and where they are written. */
  readonly readAt: number;
  readonly writeAt: number;
  /** The code of the letter to write after the kept first digits, if any. */
  readonly letter: number;
  /** The residue to complete the text to before it is read, and after it is written. */
  readonly residueBefore: number;
  readonly residueAfter: number;
  /** Below this the left half begins with 0. Where a number must not, FF1 runs again. */
  readonly leftMin: number;
  /** Whether FF1 runs again until the whole has the residue it began with. */
  readonly walks: boolean;
  /** Whether FF1 may have to run again, for one of these two reasons. */
  readonly repeats: boolean;
}

/**
 * The block of FF1 that holds the tweak, as four 32-bit words, most significant byte first: what is
 * the same for all PANs of a layout, and where the kept digits go in.
 *
 * The tweak is one byte, then the kept first digits, then the kept last ones.
 */
export interface TweakBase {
  /** The CBC-MAC of FF1's first block, computed once, with the first byte of the tweak added. */
  readonly word0: number;
  readonly word1: number;
  readonly word2: number;
  readonly word3: number;
  /** Which bits of digits 1 to 4 and 5 to 8 are kept in front; which of the last four digits. */
  readonly firstMask: number;
  readonly secondMask: number;
  readonly lastMask: number;
  /** The kept last digits begin that many bits after the start of a word. */
  readonly lastShift: number;
  /** All ones where that is word 0, 1 or 2, so that they end in the word after it; else zeros. */
  readonly lastIn0: number;
  readonly lastIn1: number;
  readonly lastIn2: number;
}

/** @param mark the index of the epoch's mark in the layout's alphabet, from 0. */
export function makingRecipe(layout: Layout, aes: AesKey, mark: number): Recipe {
  const { keepFirst, alphabet, method } = layout;
  const hasLetter = alphabet === 'alphanumeric';
  const walks = method === 'walk';
  return {
    ...commonOf(layout, aes),
    direction: 'encrypt',
    readAt: keepFirst,
    writeAt: hasLetter ? keepFirst + 1 : keepFirst,
    letter: hasLetter ? CODE_OF_A + mark : NO_LETTER,
    residueBefore: walks ? mark + 1 : ANY_RESIDUE,
    residueAfter: hasLetter || walks ? ANY_RESIDUE : mark + 1,
  };
}

/** The mark of a token has been checked when its key was chosen: the recipe does not look at it. */
export function openingRecipe(layout: Layout, aes: AesKey): Recipe {
  const { keepFirst, alphabet } = layout;
  return {
    ...commonOf(layout, aes),
    direction: 'decrypt',
    readAt: alphabet === 'alphanumeric' ? keepFirst + 1 : keepFirst,
    writeAt: keepFirst,
    letter: NO_LETTER,
    residueBefore: ANY_RESIDUE,
    residueAfter: 0,
  };
}

function commonOf(layout: Layout, aes: AesKey) {
  const { alphabet, keepFirst, radix, length, method } = layout;
  // Halves have at most 9 symbols, and 36 ** 9 is below 2 ** 47.
  const plan = planFor(radix, length) as NumberPlan;
  const walks = method === 'walk';
  const mayBeginWith0 = alphabet === 'alphanumeric' || keepFirst > 0;
  return {
    layout,
    plan,
    aes,
    base: baseOf(layout, plan, aes),
    leftMin: radix ** (plan.left.numerals - 1),
    walks,
    repeats: walks || !mayBeginWith0,
  };
}

function baseOf(
  { keepFirst, keepLast, tweakHead }: Layout,
  plan: NumberPlan,
  aes: AesKey,
): TweakBase {
  const mac = aes.encryptBlocks(firstBlockOf(plan, 1 + keepFirst + keepLast));
  const words = new DataView(mac.buffer, mac.byteOffset);
  const lastAt = 1 + keepFirst;
  const lastWord = lastAt >> 2;
  return {
    word0: words.getInt32(0) ^ (tweakHead << 24),
    word1: words.getInt32(4),
    word2: words.getInt32(8),
    word3: words.getInt32(12),
    firstMask: maskOf(Math.min(keepFirst, 4)),
    secondMask: maskOf(Math.max(keepFirst - 4, 0)),
    lastMask: maskOf(keepLast),
    lastShift: 8 * (lastAt % 4),
    lastIn0: lastWord === 0 ? -1 : 0,
    lastIn1: lastWord === 1 ? -1 : 0,
    lastIn2: lastWord === 2 ? -1 : 0,
  };
}

/** Gives the bits of the first `count` of a word's four bytes. */
function maskOf(count: number): number {
  return count === 0 ? 0 : -1 << (32 - 8 * count);
}
