import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

/** A worker that ends at once would otherwise be started again as fast as the machine can. */
const RESTART_PAUSE_MS = 1_000;

/**
 * Runs so many processes of this very program on one port, and starts another for each that dies. They
 * share nothing but the database: whatever one registers, the others notice by its version row.
 *
 * @param untilStopped resolves when the program is to end; every worker then answers what is under
 *   way, and this resolves when all have ended.
 */
export async function runWorkers(
  count: number,
  untilStopped: Promise<void>,
  log: Logger,
): Promise<void> {
  let isStopping = false;
  const living = new Set<Worker>();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();

  function start(): void {
    const worker = cluster.fork();
    living.add(worker);
    worker.once('exit', (code, signal) => {
      living.delete(worker);
      if (isStopping) {
        if (living.size === 0) end();
        return;
      }
      log.error({ code, signal }, 'a worker has ended; another one takes its place');
      void sleep(RESTART_PAUSE_MS).then(() => {
        if (!isStopping) start();
      });
    });
  }

  for (let index = 0; index < count; index++) start();
  await untilStopped;
  isStopping = true;
  if (living.size === 0) return;
  for (const worker of living) worker.process.kill('SIGTERM');
  await ended;
}

/** Whether this process is one of those that {@link runWorkers} has started. */
export const isWorker = (): boolean => cluster.isWorker;
