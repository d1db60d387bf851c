/**
 * A walk ends on average after 10 calls; one of 1,000 would occur once in 10 ** 46. So a longer one
 * is a defect of this code, not bad luck.
 */
export const WALK_CALLS_MAX = 1_000;

/**
 * Applies a permutation again and again, until `isInside` holds of the result.
 *
 * Begun inside the set it always comes back into it, and the walk backwards from there ends where
 * this one began: so it is a permutation of the set.
 *
 * @param start must itself be inside the set, or the walk may not end.
 * @throws {Error} after 1,000 calls, which is a defect.
 */
export function walk<T>(start: T, permute: (at: T) => T, isInside: (at: T) => boolean): T {
  let at = start;
  for (let calls = 0; calls < WALK_CALLS_MAX; calls++) {
    at = permute(at);
    if (isInside(at)) return at;
  }
  throw new Error('a walk of the pan-token format did not end');
}
