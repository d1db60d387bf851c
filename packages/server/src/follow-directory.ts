import type { Logger } from 'pino';
import type { Directory, Keyring, ZoneKeys } from './usecase/ports.ts';

/**
 * How long a change made elsewhere may go unnoticed: a caller that was disabled on one node, or on
 * the command line, is out on all others after this. Asking costs one read of one row.
 */
const LOOK_EVERY_MS = 500;

export interface FollowDirectoryDeps {
  readonly directory: Directory;
  readonly keyring: Keyring;
  readonly zoneKeys: ZoneKeys;
  readonly log: Logger;
}

/**
 * Keeps what is registered up to date with what other nodes and processes register.
 *
 * @returns stops it; resolves when nothing of it is under way.
 */
export function followDirectory(deps: FollowDirectoryDeps): () => Promise<void> {
  const { directory, keyring, zoneKeys, log } = deps;
  let underWay: Promise<void> = Promise.resolve();
  let isFailing = false;

  async function look(): Promise<void> {
    try {
      if (await directory.hasChanged()) {
        // Keys last: who was disabled must be out even if a key does not open.
        await directory.refresh();
        await keyring.refresh();
        await zoneKeys.refresh();
      }
      isFailing = false;
    } catch (err) {
      if (!isFailing) log.error({ err }, 'what is registered could not be read anew');
      isFailing = true;
    }
  }

  let timer = setTimeout(turn, LOOK_EVERY_MS).unref();
  let isStopped = false;
  function turn(): void {
    underWay = look().then(() => {
      if (!isStopped) timer = setTimeout(turn, LOOK_EVERY_MS).unref();
    });
  }
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await underWay;
  };
}
