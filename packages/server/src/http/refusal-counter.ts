import type { RefusalCode } from '../domain/error.ts';

/** Counts what is refused before anybody is authenticated: logging each would let anyone fill the log. */
export interface RefusalCounter {
  count(code: RefusalCode): void;
  /** What was counted since the last call, and starts anew; undefined when nothing was. */
  take(): Readonly<Partial<Record<RefusalCode, number>>> | undefined;
}

export function makeRefusalCounter(): RefusalCounter {
  let counts: Partial<Record<RefusalCode, number>> = {};
  return {
    count(code) {
      counts[code] = (counts[code] ?? 0) + 1;
    },
    take() {
      const taken = counts;
      counts = {};
      return Object.keys(taken).length === 0 ? undefined : taken;
    },
  };
}
