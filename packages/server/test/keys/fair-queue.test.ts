import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeFairQueue } from '../../src/keys/fair-queue.ts';

/** A queue whose jobs end when they are told to, and what was begun, in order. */
function makeQueue({ runningMax = 1, waitingMaxEach = 10, waitingMax = 100 } = {}) {
  const begun: string[] = [];
  const running: (() => void)[] = [];
  const queue = makeFairQueue<string, string>({
    run(job) {
      begun.push(job);
      return new Promise((resolve) => running.push(() => resolve(job)));
    },
    ...{ runningMax, waitingMaxEach, waitingMax },
    refuseShare: (who) => new Error(`share of ${who}`),
    refuseAll: () => new Error('all'),
  });
  const endOne = async () => {
    running.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue, begun, endOne };
}

describe('a fair queue', () => {
  it('gives each who waits a turn, however many jobs one has', async () => {
    const { queue, begun, endOne } = makeQueue();
    const jobs = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2'];
    const answers = jobs.map((job) => queue.submit(job.slice(0, 1), job));
    for (let count = 0; count < jobs.length; count++) await endOne();
    assert.deepEqual(begun, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
    assert.deepEqual(await Promise.all(answers), jobs);
  });

  it('refuses who has too much waiting, and takes the others', async () => {
    const { queue, begun, endOne } = makeQueue({ waitingMaxEach: 2 });
    const taken = [queue.submit('a', 'a1'), queue.submit('a', 'a2'), queue.submit('a', 'a3')];
    await assert.rejects(queue.submit('a', 'a4'), /share of a/);
    taken.push(queue.submit('b', 'b1'));
    for (let count = 0; count < 4; count++) await endOne();
    assert.deepEqual(begun, ['a1', 'a2', 'b1', 'a3']);
    await Promise.all(taken);
  });

  it('refuses everybody when all of it is full, and nobody when it is empty again', async () => {
    const { queue, endOne } = makeQueue({ waitingMax: 1, runningMax: 2 });
    const taken = ['a', 'b', 'c'].map((who) => queue.submit(who, who));
    await assert.rejects(queue.submit('d', 'd'), /all/);
    for (let count = 0; count < 3; count++) await endOne();
    assert.deepEqual(await Promise.all(taken), ['a', 'b', 'c']);
    void queue.submit('d', 'd');
  });

  it('goes on after a job that failed', async () => {
    const queue = makeFairQueue<string, string>({
      run: (job) => (job === 'bad' ? Promise.reject(new Error('bad')) : Promise.resolve(job)),
      ...{ runningMax: 1, waitingMaxEach: 10, waitingMax: 10 },
      refuseShare: () => new Error('share'),
      refuseAll: () => new Error('all'),
    });
    const failed = assert.rejects(queue.submit('a', 'bad'), /bad/);
    assert.equal(await queue.submit('a', 'good'), 'good');
    await failed;
  });
});
