import type { Alphabet } from './format.ts';

/** How many marks an alphabet has: the letters A to Z, the residues 1 to 9. */
const MARK_COUNT = { alphanumeric: 26, numeric: 9 } as const satisfies Record<Alphabet, number>;

/**
 * Gives the mark that tokens of an epoch carry: a letter for `alphanumeric` (`A` for epoch 1, `Z`
 * for 26, `A` again for 27), the Luhn residue of the whole token for `numeric` (`1` for epoch 1,
 * `9` for 9, `1` again for 10; never `0`, so that no token passes the Luhn check).
 *
 * @param epoch an integer from 1.
 * @returns one character, `A` to `Z` or `1` to `9`.
 * @throws {RangeError} if `epoch` is no such integer or `alphabet` is unknown.
 */
export function markOf(alphabet: Alphabet, epoch: number): string {
  const index = markIndexOf(alphabet, epoch);
  return String.fromCharCode((alphabet === 'numeric' ? 0x31 : 0x41) + index);
}

/**
 * Names the living epochs that forbid the creation of `epoch`, because they occupy one of its
 * marks. The epoch may be created when the list is empty.
 *
 * The letter counts always, since the known answer of every key is an alphanumeric token; the
 * residue counts where the organization has a keyed numeric format, now or planned. Every living
 * epoch is looked at, whatever its number, and `epoch` itself is in its own way when it lives.
 *
 * @param epoch the epoch to be created.
 * @param living all epochs created and not destroyed, closed ones included, in any order.
 * @param keyedAlphabets the alphabets of the organization's keyed formats.
 * @returns the epochs in the way, ascending.
 * @throws {RangeError} if an epoch is not an integer from 1, or an alphabet is unknown.
 */
export function epochsInTheWay(
  epoch: number,
  living: readonly number[],
  keyedAlphabets: readonly Alphabet[],
): number[] {
  const alphabets: readonly Alphabet[] = ['alphanumeric', ...keyedAlphabets];
  const inTheWay = living.filter((other) =>
    alphabets.some((alphabet) => markIndexOf(alphabet, other) === markIndexOf(alphabet, epoch)),
  );
  return [...new Set(inTheWay)].sort((a, b) => a - b);
}

/**
 * Names the living epochs that share a mark of `alphabet` with another one. A keyed format of that
 * alphabet may be added, and its tokens opened, only when the list is empty.
 *
 * @param living epochs in any order; one that occurs twice shares its mark with itself.
 * @returns the epochs that share, ascending, each once.
 * @throws {RangeError} if an epoch is not an integer from 1, or the alphabet is unknown.
 */
export function epochsSharingMark(alphabet: Alphabet, living: readonly number[]): number[] {
  const countOfMark = new Map<number, number>();
  for (const epoch of living) {
    const mark = markIndexOf(alphabet, epoch);
    countOfMark.set(mark, (countOfMark.get(mark) ?? 0) + 1);
  }
  const sharing = living.filter((epoch) => countOfMark.get(markIndexOf(alphabet, epoch)) !== 1);
  return [...new Set(sharing)].sort((a, b) => a - b);
}

/** Gives the place of an epoch's mark among the marks of the alphabet, from 0. */
export function markIndexOf(alphabet: Alphabet, epoch: number): number {
  if (!Object.hasOwn(MARK_COUNT, alphabet)) {
    throw new RangeError("alphabet must be 'numeric' or 'alphanumeric'");
  }
  return (parseEpoch(epoch) - 1) % MARK_COUNT[alphabet];
}

/** Gives back `epoch` if it is an integer from 1 that a Number holds exactly. */
export function parseEpoch(epoch: number): number {
  if (!Number.isSafeInteger(epoch) || epoch < 1) {
    throw new RangeError('epoch must be an integer from 1');
  }
  return epoch;
}
