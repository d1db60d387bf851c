/**
 * Ends a process that hangs in a loop. Counts processor time, which a loaded machine does not
 * change: what was too slow here is too slow everywhere.
 */

import { workerData } from 'node:worker_threads';

const limitMs = workerData as Float64Array;

setInterval(() => {
  const { user, system } = process.cpuUsage();
  const limit = limitMs[0] as number;
  if (limit > 0 && (user + system) / 1000 > limit) process.kill(process.pid, 'SIGKILL');
}, 100);
