export interface FairQueueOptions<Job, Answer> {
  run(job: Job): Promise<Answer>;
  /** How many are run at once. */
  readonly runningMax: number;
  /** How many may wait, of one and of all together. */
  readonly waitingMaxEach: number;
  readonly waitingMax: number;
  /** What the one is told whose share is full, and what anybody is when everything is. */
  refuseShare(who: string): Error;
  refuseAll(): Error;
}

interface Waiting<Job, Answer> extends PromiseWithResolvers<Answer> {
  readonly job: Job;
}

/**
 * Runs jobs of several clients in turns: one of each that waits, and then the next of each. Who sends
 * more than others waits longer, and the others do not.
 */
export function makeFairQueue<Job, Answer>(options: FairQueueOptions<Job, Answer>) {
  const { run, runningMax, waitingMaxEach, waitingMax } = options;
  /** Whoever waits, in the order of turns: a map keeps the order in which its keys came. */
  const lines = new Map<string, Waiting<Job, Answer>[]>();
  let waitingCount = 0;
  let runningCount = 0;

  function startNext(): void {
    const [next] = lines;
    if (next === undefined || runningCount >= runningMax) return;
    const [who, line] = next;
    const waiting = line.shift();
    lines.delete(who);
    if (line.length > 0) lines.set(who, line); // Behind all the others.
    if (waiting === undefined) return;
    waitingCount--;
    runningCount++;
    const end = () => {
      runningCount--;
      startNext();
    };
    const { resolve, reject } = waiting;
    void run(waiting.job).then(resolve, reject).then(end);
  }

  return {
    /** @throws {Error} at once, when the share of this one or the whole queue is full. */
    submit(who: string, job: Job): Promise<Answer> {
      const line = lines.get(who) ?? [];
      if (line.length >= waitingMaxEach) return Promise.reject(options.refuseShare(who));
      if (waitingCount >= waitingMax) return Promise.reject(options.refuseAll());
      const waiting = { job, ...Promise.withResolvers<Answer>() };
      line.push(waiting);
      lines.set(who, line);
      waitingCount++;
      startNext();
      return waiting.promise;
    },
  };
}
