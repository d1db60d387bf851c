import type { Logger } from 'pino';
import type { CheckWatchlist } from './usecase/check-watchlist.ts';
import type { DeliverNotifications } from './usecase/deliver-notifications.ts';

/** How long the updater rests when nothing is due. */
const REST_MS = 1_000;

export interface UpdaterDeps {
  readonly checkWatchlist: CheckWatchlist;
  readonly deliverNotifications: DeliverNotifications;
  readonly log: Logger;
}

/**
 * Goes through the watchlist and the outbox, for as long as the service runs. Two loops, so that a
 * receiver that hangs does not hold up checks.
 *
 * @returns stops it; resolves when what is under way is settled.
 */
export function startUpdater(deps: UpdaterDeps): () => Promise<void> {
  const stops = [loop(deps.checkWatchlist, deps.log), loop(deps.deliverNotifications, deps.log)];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

function loop(round: () => Promise<number>, log: Logger): () => Promise<void> {
  let isStopped = false;
  let isFailing = false;
  let timer: NodeJS.Timeout | undefined;
  let wake: () => void = () => undefined;

  async function run(): Promise<void> {
    while (!isStopped) {
      let count = 0;
      try {
        count = await round();
        isFailing = false;
      } catch (err) {
        if (!isFailing) log.error({ err }, 'a round of the updater failed; it goes on');
        isFailing = true;
      }
      if (count === 0 && !isStopped) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, REST_MS).unref();
        });
      }
    }
  }

  const ended = run();
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    wake();
    await ended;
  };
}
