import type { Logger } from 'pino';
import { KeyProviderError } from './keys/kek.ts';
import type { Directory, Keyring, ZoneKeys } from './usecase/ports.ts';

/**
 * How long a change made elsewhere may go unnoticed: a caller that was disabled on one node, or on
 * the command line, is out on all others after this. Asking costs one read of one row.
 */
const LOOK_EVERY_MS = 500;

/** A provider of keys that is gone is not hammered. */
const RETRY_AFTER_MS = 2_000;

export interface FollowDirectoryDeps {
  readonly directory: Directory;
  readonly keyring: Keyring;
  readonly zoneKeys: ZoneKeys;
  /** Keys of the service itself. */
  readonly serviceKeys: { refresh(): Promise<void> };
  readonly log: Logger;
  /** So often the keys are read anew although nothing changed: that their provider is still there. */
  readonly confirmEveryMs: number;
  /** Calls back when another node may have changed something: it need not come, and may come in vain. */
  readonly listen?: ((onHint: () => void) => () => Promise<void>) | undefined;
  /** Left out: {@link LOOK_EVERY_MS}. Tests that look at hints alone never look by themselves. */
  readonly lookEveryMs?: number;
  /** A failure that was not there before. */
  onFailure(error: unknown): Promise<void>;
}

export interface Following {
  /** Whether the provider of the keys answered when it was last asked. */
  areKeysConfirmed(): boolean;
  /** Resolves when nothing of it is under way. */
  stop(): Promise<void>;
}

/** Keeps what is registered up to date with what other nodes and processes register. */
export function followDirectory(deps: FollowDirectoryDeps): Following {
  const { directory, keyring, zoneKeys, serviceKeys, log, confirmEveryMs, onFailure } = deps;
  const { lookEveryMs = LOOK_EVERY_MS, listen } = deps;
  let underWay: Promise<void> = Promise.resolve();
  let isFailing = false;
  let areKeysConfirmed = true;
  let keysDueAtMs = performance.now() + confirmEveryMs;

  async function refreshKeys(): Promise<void> {
    keysDueAtMs = performance.now() + RETRY_AFTER_MS; // Should it fail.
    try {
      await keyring.refresh();
      await zoneKeys.refresh();
      await serviceKeys.refresh();
      areKeysConfirmed = true;
    } catch (error) {
      // A database that does not answer says nothing about the keys.
      if (error instanceof KeyProviderError) areKeysConfirmed = false;
      throw error;
    }
    keysDueAtMs = performance.now() + confirmEveryMs;
    isFailing = false;
  }

  async function look(): Promise<void> {
    try {
      if (await directory.hasChanged()) {
        // Keys last: who was disabled must be out even if a key does not open.
        await directory.refresh();
        keysDueAtMs = 0;
      }
      if (performance.now() >= keysDueAtMs) await refreshKeys();
    } catch (err) {
      const reason = err instanceof Error ? err.message : String(err);
      if (isFailing) return;
      isFailing = true;
      log.error({ err }, `what is registered could not be read anew: ${reason}`);
      await onFailure(err).catch((cause) => log.error({ err: cause }, 'nor put on record'));
    }
  }

  let timer = setTimeout(turn, lookEveryMs).unref();
  let isStopped = false;
  let isLooking = false;
  let isHinted = false;
  function turn(): void {
    isLooking = true;
    isHinted = false;
    underWay = look().then(() => {
      isLooking = false;
      // A hint that came meanwhile may be of something that was not seen yet.
      if (!isStopped) timer = setTimeout(turn, isHinted ? 0 : lookEveryMs).unref();
    });
  }
  const stopListening = listen?.(() => {
    isHinted = true;
    if (isLooking || isStopped) return;
    clearTimeout(timer);
    turn();
  });
  return {
    areKeysConfirmed: () => areKeysConfirmed,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await stopListening?.();
      await underWay;
    },
  };
}
