/** Asks a process for its verdict on one mutant after the other, and starts another one if it ends. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Mutant } from './mutants.ts';
import type { Job, Verdict } from './runner.ts';

/** What a process did not survive. */
type Death = 'it does not end' | 'it ends the process';

/** A process keeps all it ever loaded, so it is replaced after so many mutants. */
const MUTANTS_OF_A_PROCESS = 100;

/** How many tests that noticed something lately are tried first. */
const KILLERS_FIRST = 12;

export interface Jury {
  /** Gives the test that notices a mutant, or what else became of it, or nothing. */
  judge(mutant: Mutant): Promise<string | undefined>;
  end(): void;
}

/** Runs the tests on the sources as they are, and is ready for mutants then. */
export async function makeJury(): Promise<Jury> {
  const runner = makeRunner();
  const verdict = await runner.ask({ first: [], costs: {} });
  if (typeof verdict === 'string' || verdict.by !== undefined) {
    runner.end();
    throw new Error(`tests fail without any change: ${JSON.stringify(verdict)}`);
  }
  const { costs } = verdict;
  let killers: string[] = [];

  async function judge({ file, text }: Mutant): Promise<string | undefined> {
    const job = { file, text, first: killers, costs };
    const wasFresh = runner.isFresh();
    let verdict = await runner.ask(job);
    // What ends a process may have been too much for it only after all it kept.
    if (verdict === 'it ends the process' && !wasFresh) verdict = await runner.ask(job);
    if (typeof verdict === 'string') return verdict;
    const { by } = verdict;
    if (by !== undefined) {
      killers = [by, ...killers.filter((name) => name !== by)].slice(0, KILLERS_FIRST);
    }
    return by;
  }

  return { judge, end: runner.end };
}

function makeRunner() {
  let child: ChildProcess | undefined;
  let served = 0;

  function end(): void {
    child?.kill('SIGKILL');
    child = undefined;
    served = 0;
  }

  async function ask(job: Job): Promise<Verdict | Death> {
    if (served === MUTANTS_OF_A_PROCESS) end();
    child ??= fork(new URL('runner.ts', import.meta.url), {
      execArgv: ['--conditions=pantoken-source', '--max-old-space-size=2000', '--no-warnings'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    served++;
    child.send(job);
    const verdict = await verdictOf(child);
    if (typeof verdict === 'string') end();
    return verdict;
  }

  return { ask, end, isFresh: () => child === undefined };
}

async function verdictOf(child: ChildProcess): Promise<Verdict | Death> {
  const done = new AbortController();
  try {
    return await Promise.race([
      once(child, 'message', done).then(([verdict]) => verdict as Verdict),
      // The watchdog kills; whatever else ends a process does not.
      once(child, 'exit', done).then(([, signal]) =>
        signal === 'SIGKILL' ? 'it does not end' : 'it ends the process',
      ),
    ]);
  } finally {
    done.abort();
  }
}
