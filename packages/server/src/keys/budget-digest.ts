import { createHmac, hash, type KeyObject } from 'node:crypto';
import type { BudgetDigest } from '../usecase/budget-ports.ts';

/** Digests of books are remembered, some 100 bytes each. */
const REMEMBERED_BOOKS_MAX = 100_000;

/**
 * Receipts show so many of the last digits, whatever tokens keep: who has them tries the numbers of that
 * book.
 */
const RECEIPT_DIGITS = 4;

/** Hexadecimal ones: 52 bits. */
const DIGEST_DIGITS = 13;

/**
 * @param key a key of the service; the digests are made under one that is derived from it.
 *
 * 52 bits of SHA-256 over key and text: two of 500,000 cards share a digest, and count as one, with a
 * chance of 3 in 100,000, and who does not know the key cannot choose which. With the rest of the
 * digest cut off nothing can be appended to it, which is what HMAC is for; it would cost an inquiry
 * five times as much.
 */
export function makeBudgetDigest(key: KeyObject): BudgetDigest {
  const derived = createHmac('sha256', key).update('pantoken budgets').digest('hex');
  const books = new Map<string, number>();
  const digest = (text: string): number =>
    Number.parseInt(hash('sha256', derived + text, 'hex').slice(0, DIGEST_DIGITS), 16);

  function digestOfBook(first: string, last: string): number {
    const name = `book ${first} ${last}`;
    const known = books.get(name);
    if (known !== undefined) return known;
    if (books.size >= REMEMBERED_BOOKS_MAX) books.clear();
    const made = digest(name);
    books.set(name, made);
    return made;
  }

  return {
    cardOf: digest,
    bookOf(text, keepFirst, keepLast) {
      const last = Math.max(keepLast, RECEIPT_DIGITS);
      // One of the digits between is the check digit's doing.
      const freeDigits = Math.max(0, text.length - keepFirst - last - 1);
      const book = digestOfBook(text.slice(0, keepFirst), text.slice(-last));
      return { book, bookSize: 10 ** freeDigits };
    },
  };
}
