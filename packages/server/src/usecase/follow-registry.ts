import type { RegistryVersion } from './key-ports.ts';
import type { Clock } from './ports.ts';

/** Four times a second: what changes on one node is known to all within one. */
export const POLL_EVERY_MS = 250;

/** After a failure it is tried again after so long: a provider that is gone is not hammered. */
const RETRY_AFTER_MS = 2_000;

export interface FollowRegistryDeps {
  readonly version: RegistryVersion;
  readonly clock: Clock;
  /** Reads everything anew that is kept in memory. */
  refresh(): Promise<void>;
  /** So often it is read anew although nothing changed: that the keys' provider is still there. */
  readonly confirmEveryMs: number;
  onFailure(error: unknown): Promise<void>;
}

/** @returns what to call four times a second. It never rejects; calls do not overlap. */
export function makeFollowRegistry(deps: FollowRegistryDeps): () => Promise<void> {
  const { version, clock, refresh, confirmEveryMs, onFailure } = deps;
  let known: number | undefined; // The first look reads everything: something may have just changed.
  let confirmedAtMs = clock.nowMs();
  let notBeforeMs = 0;
  let underWay = false;

  async function look(): Promise<void> {
    const nowMs = clock.nowMs();
    const current = await version.read();
    const isDue = Math.abs(nowMs - confirmedAtMs) >= confirmEveryMs;
    if ((current === known && !isDue) || Math.abs(nowMs - notBeforeMs) < RETRY_AFTER_MS) return;
    notBeforeMs = nowMs; // Taken back when it works.
    await refresh();
    notBeforeMs = 0;
    known = current;
    confirmedAtMs = nowMs;
  }

  return async () => {
    if (underWay) return;
    underWay = true;
    try {
      await look();
    } catch (error) {
      await onFailure(error);
    } finally {
      underWay = false;
    }
  };
}
