import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../domain/error.ts';

/** A client that asks again at once is answered five times a second on each connection, not a thousand. */
const HOLD_MS = 200;

/** So many refusals are held at once; more are told at once, or they would hold up everybody's requests. */
const HELD_MAX = 128;

let heldCount = 0;

/**
 * Holds back the refusal of who asks too much, for a moment: whoever sends the next request when the
 * last is answered is slowed down by it, and leaves the event loop to the others.
 *
 * @throws {Refusal} what `work` throws.
 */
export async function refusingSlowly<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal && error.kind === 'limited' && heldCount < HELD_MAX) {
      heldCount++;
      await sleep(HOLD_MS);
      heldCount--;
    }
    throw error;
  }
}
