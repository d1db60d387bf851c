/** The process of one kind of contender: takes samples when bench.ts says so. */

import { type Contender, contendersOf, type Race } from './contenders.ts';

export type Request =
  | { readonly race: Race }
  | { readonly name: string; readonly sampleNs: number };

export type Reply =
  | { readonly contenders: readonly { readonly name: string; readonly callsOfOne: number }[] }
  | { readonly nsPerToken: number };

const contenders = new Map<string, Contender>();
const repeats = new Map<string, number>();

process.on('message', (request: Request) => {
  if ('race' in request) {
    for (const contender of contendersOf(request.race)) contenders.set(contender.name, contender);
    const names = Array.from(contenders.values(), ({ name, callsOfOne }) => ({ name, callsOfOne }));
    send({ contenders: names });
    return;
  }
  const contender = contenders.get(request.name) as Contender;
  let count = repeats.get(request.name);
  if (count === undefined) {
    count = repeatsFor(contender, request.sampleNs);
    repeats.set(request.name, count);
  }
  send({ nsPerToken: sample(contender, count) });
});

function send(reply: Reply): void {
  process.send?.(reply);
}

/** Warms a contender up until it fills the time of a sample. */
function repeatsFor(contender: Contender, sampleNs: number): number {
  let count = 1;
  while (sample(contender, count) * contender.count * count < sampleNs) count *= 2;
  return count;
}

/** Processor time of the process, garbage collection included, so that neighbours count less. */
function sample({ run, count }: Contender, repeat: number): number {
  const start = process.cpuUsage();
  for (let done = 0; done < repeat; done++) run();
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1000) / repeat / count;
}
