import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { BudgetDigest } from '../usecase/budget-ports.ts';

/** Digests of books are remembered, some 100 bytes each. */
const REMEMBERED_BOOKS_MAX = 100_000;

/**
 * @param key a key of the service; the digests are made under one that is derived from it.
 *
 * 52 bits of HMAC-SHA-256: two of 500,000 cards share a digest, and count as one, with a chance of
 * 3 in 100,000, and who does not know the key cannot choose which.
 */
export function makeBudgetDigest(key: KeyObject): BudgetDigest {
  const derived = createSecretKey(createHmac('sha256', key).update('pantoken budgets').digest());
  const books = new Map<string, number>();
  const digest = (text: string): number => {
    const bytes = createHmac('sha256', derived).update(text, 'latin1').digest();
    return bytes.readUIntBE(0, 6) * 16 + ((bytes[6] ?? 0) >> 4);
  };

  function bookOf(first: string, last: string): number {
    const name = `book ${first} ${last}`;
    const known = books.get(name);
    if (known !== undefined) return known;
    if (books.size >= REMEMBERED_BOOKS_MAX) books.clear();
    const made = digest(name);
    books.set(name, made);
    return made;
  }

  return {
    subjectOf(text, keepFirst, keepLast) {
      // One of the digits between is the check digit's doing.
      const freeDigits = Math.max(0, text.length - keepFirst - keepLast - 1);
      return {
        card: digest(text),
        book: bookOf(text.slice(0, keepFirst), text.slice(-keepLast)),
        bookSize: 10 ** freeDigits,
      };
    },
  };
}
