import { Refusal } from './error.ts';
import type { OrganizationNumber } from './organization-number.ts';
import type { CardNumber } from './pan.ts';

/** The card numbers that begin with `prefix`. It belongs to exactly one organization. */
export interface BinRange {
  /** 6 to 11 digits, first not 0 (ISO/IEC 7812-1: an issuer identification number has 6 or 8). */
  readonly prefix: string;
  readonly organization: OrganizationNumber;
  /** The product the cards of this range are, 0 to 999. */
  readonly logo: number;
  /** Digits of a card number drawn in this range, 12 to 19. */
  readonly panLength: number;
}

/** @throws {Refusal} `REQUEST_INVALID` naming the field. */
export function parseBinRange(range: BinRange): BinRange {
  const { prefix, organization, logo, panLength } = range;
  const refuse = (field: string) => new Refusal('REQUEST_INVALID', { field });
  if (!/^[1-9][0-9]{5,10}$/.test(prefix)) throw refuse('prefix');
  if (!Number.isInteger(logo) || logo < 0 || logo > 999) throw refuse('logo');
  const fits = panLength >= Math.max(12, prefix.length + 2) && panLength <= 19;
  if (!Number.isInteger(panLength) || !fits) throw refuse('panLength');
  return Object.freeze({ prefix, organization, logo, panLength });
}

/** Two ranges that share a card number; the same range counts as sharing. */
export function rangesOverlap(a: BinRange, b: BinRange): boolean {
  return a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix);
}

/** Finds the range of a card number; at most one, since ranges do not overlap. */
export type FindBinRange = (number: CardNumber) => BinRange | undefined;

/** Ranges by their prefix: one look-up for each prefix length in use. */
export function makeFindBinRange(ranges: readonly BinRange[]): FindBinRange {
  const byPrefix = new Map(ranges.map((range) => [range.prefix, range]));
  const lengths = [...new Set(ranges.map((range) => range.prefix.length))];
  return (number) => {
    const digits = number.reveal();
    for (const length of lengths) {
      const range = byPrefix.get(digits.slice(0, length));
      if (range !== undefined) return range;
    }
    return undefined;
  };
}
