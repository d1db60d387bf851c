/**
 * A walk ends on average after 10 calls of FF1; one of 1,000 would occur once in 10 ** 46. So a
 * longer one is a defect of this code, not bad luck.
 */
export const WALK_CALLS_MAX = 1_000;

/**
 * Counts one more call of a walk that did not end with it.
 *
 * @param calls the calls before.
 * @throws {Error} after 1,000 calls.
 */
export function countCall(calls: number): number {
  if (calls + 1 >= WALK_CALLS_MAX) throw new Error('a walk of the PAN-TOKEN format did not end');
  return calls + 1;
}
