/**
 * Makes a place where one piece of working memory waits for the next call: making it takes longer
 * than using it.
 *
 * Nothing in this package is asynchronous, but reading an element of a caller's array may run the
 * caller's code, and that may call us: whoever finds the place empty gets a new piece.
 */
export function makePool<T>(make: () => T) {
  let waiting: T | undefined;
  return {
    take(): T {
      const taken = waiting ?? make();
      waiting = undefined;
      return taken;
    },
    giveBack(piece: T): void {
      waiting = piece;
    },
  };
}
