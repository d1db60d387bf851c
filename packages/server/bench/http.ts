/**
 * `npm run bench:http`: requests a second of each call, as a part of what a bare Fastify echo does in
 * the same run, and beside the least that an inquiry needs. Server on one core, client (wrk) on
 * another; PostgreSQL, where it is used, has the client's core. Rounds go in turn, so that a noisy
 * machine is noisy to all; the median is printed.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makePostgresServer } from '../test/harness/postgres.ts';
import {
  type BenchService,
  MAIN,
  makeBenchService,
  type RunningServer,
  startServer,
  writeHeaders,
} from './service-under-test.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    cards: { type: 'string', default: '10000' },
    connections: { type: 'string', default: '128' },
    engines: { type: 'string', default: 'sqlite,postgres' },
    only: { type: 'string' },
  },
});

const SERVER_CORE = 0;
const CLIENT_CORE = 1;

/** What its name says is in least-server.ts. */
const LEAST = 'the least for an inquiry';

const VALIDATION = '/api/cu/validatepan';

interface Measured {
  readonly count: number;
  readonly seconds: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
}

interface Load {
  readonly name: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly headers: string;
  readonly bodies: string;
  /** Done before each run. */
  prepare?(): void;
}

function run(load: Load, pauseMs = 0): Measured {
  load.prepare?.();
  const { connections, seconds } = options;
  const script = join(import.meta.dirname, 'wrk.lua');
  const args = ['-c', String(CLIENT_CORE), 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`];
  const url = `http://127.0.0.1:${load.port}`;
  const { method, path, headers, bodies } = load;
  const rest = ['--latency', '-s', script, url, '--', method, path, headers, bodies];
  const text = execFileSync('taskset', [...args, ...rest, String(pauseMs)], { encoding: 'utf8' });
  return JSON.parse(text.trim().split('\n').at(-1) ?? '');
}

/** CPU time of all threads of a process so far, in µs. Linux counts it in ticks of 10 ms. */
function cpuMicroseconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

const rateOf = ({ count, seconds }: Measured) => count / seconds;
const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

function loadsOf(
  { home, apikey, secret, pans, tokens, merchantId }: BenchService,
  port: number,
  headers: { issuer: string; merchant: string },
): Load[] {
  const write = (name: string, lines: readonly unknown[]) => {
    const file = join(home, `${name}.wrk`);
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
    return file;
  };
  const inquiry = (functionType: string) => (cardNumber: string) => ({
    ...{ organizationNumber: 100, cardNumber, cardSequence: 1, functionType },
  });
  const firstVision = { port, method: 'POST', headers: headers.issuer };
  const signed = join(home, 'signed.wrk');
  const create = { organizationNumber: 100, postToAccount: '4711', cardNumber: '' };
  const validate = pans.map((pan) => ({
    ...{ pan, expmonth: '11', expyear: '2030', merchantid: merchantId },
  }));
  return [
    {
      ...{ ...firstVision, name: 'inquiry, number to token (C)' },
      ...{ path: '/cards/embosser/card-pan-l8v2', bodies: write('c', pans.map(inquiry('C'))) },
    },
    {
      ...{ ...firstVision, name: 'inquiry, token to number (P)' },
      ...{ path: '/cards/embosser/card-pan-l8v2', bodies: write('p', tokens.map(inquiry('P'))) },
    },
    {
      ...{ ...firstVision, name: 'inquiry, signed (C)' },
      ...{ path: '/cards/embosser/card-pan-l8v2', bodies: signed },
      prepare: () => writeSigned(signed, { apikey, secret }, pans.map(inquiry('C'))),
    },
    {
      ...{ ...firstVision, name: 'creation' },
      ...{ path: '/cards/embosser/l8vf', bodies: write('create', [create]) },
    },
    {
      ...{ port, method: 'POST', headers: headers.merchant, name: 'validation (RSA-4096 answer)' },
      ...{ path: VALIDATION, bodies: write('validate', validate) },
    },
  ];
}

/** One caller asks more often here than a service lets one ask: what is refused is answered too fast. */
const RATE_UNLIMITED = { PANTOKEN_REQUESTS_PER_MINUTE: '100000000' };

/** More than any server answers in a second: a request that is sent again is a replay, and refused. */
const SIGNED_PER_SECOND = 30_000;

/** Requests for one run, each signed for itself (docs/callers.md). */
function writeSigned(
  file: string,
  { apikey, secret }: Pick<BenchService, 'apikey' | 'secret'>,
  bodies: readonly unknown[],
): void {
  const timestamp = String(Date.now());
  const texts = bodies.map((body) => JSON.stringify(body));
  const lines: string[] = [];
  for (let at = 0; at < SIGNED_PER_SECOND * Number(options.seconds); at++) {
    const body = texts[at % texts.length] ?? '';
    const id = randomUUID();
    const signature = createHmac('sha256', secret).update(apikey + id + timestamp + body);
    lines.push([id, timestamp, signature.digest('base64'), body].join('\t'));
  }
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
}

async function measure(engine: string, service: BenchService, server: RunningServer) {
  const headers = await writeHeaders(service, server.port);
  const all = loadsOf(service, server.port, headers);
  const [inquiry] = all;
  const loads = all.filter(({ name }) => options.only === undefined || name.includes(options.only));
  if (inquiry === undefined || loads.length === 0) throw new Error('nothing to measure');
  const yardstick = (name: string, ...args: string[]) =>
    startServer(SERVER_CORE, (port) => [
      join(import.meta.dirname, `${name}-server.ts`),
      ...[...args, String(port)],
    ]);
  const echo = await yardstick('echo');
  const least = await yardstick('least', inquiry.bodies, service.home);
  const echoLoad = { ...inquiry, name: 'echo', port: echo.port, path: '/echo' };
  const leastLoad = { ...inquiry, name: LEAST, port: least.port, path: '/least' };
  loads.unshift(leastLoad);
  const rates = new Map<string, number[]>();
  const costs = new Map<string, number[]>();
  for (const load of [echoLoad, ...loads]) run(load); // Warm.
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const load of [echoLoad, ...loads]) {
      const { pid } = load === echoLoad ? echo : load === leastLoad ? least : server;
      const before = cpuMicroseconds(pid);
      const measured = run(load);
      const cpu = (cpuMicroseconds(pid) - before) / measured.count;
      costs.set(load.name, [...(costs.get(load.name) ?? []), cpu]);
      if (measured.failed > 0) print(`${load.name}: ${measured.failed} failed`);
      rates.set(load.name, [...(rates.get(load.name) ?? []), rateOf(measured)]);
    }
  }
  await echo.stop();
  const echoRate = median(rates.get('echo') ?? []);
  const costOf = (name: string) => `${median(costs.get(name) ?? []).toFixed(0)} µs of CPU each`;
  print(`${engine}: echo ${echoRate.toFixed(0)}/s, ${costOf('echo')}`);
  for (const load of loads) {
    const rate = median(rates.get(load.name) ?? []);
    const pauseMs = Math.round((2000 * Number(options.connections)) / rate);
    const half = run(load, pauseMs);
    print(
      `${engine}: ${load.name}: ${rate.toFixed(0)}/s, ${(rate / echoRate).toFixed(2)} of the echo, ` +
        `${costOf(load.name)}; ` +
        `at ${rateOf(half).toFixed(0)}/s p50 ${half.p50} ms, p99 ${half.p99} ms`,
    );
    if (load.path !== VALIDATION) continue;
    const loopRate = median(Array.from({ length: Number(options.rounds) }, bareEncryptions));
    print(`${engine}: that is ${(rate / loopRate).toFixed(2)} of a bare loop of publicEncrypt`);
  }
  await least.stop();
}

/** A second, on the server's core. */
function bareEncryptions(): number {
  const loop = join(import.meta.dirname, 'encrypt-loop.ts');
  const args = ['-c', String(SERVER_CORE), process.execPath, loop];
  return Number(execFileSync('taskset', args, { encoding: 'utf8' }));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

for (const engine of options.engines.split(',')) {
  const postgres = engine === 'postgres' ? await makePostgresServer() : undefined;
  await postgres?.start();
  const url = postgres?.url('postgres');
  const place = url === undefined ? undefined : ({ engine: 'postgres', url } as const);
  const service = await makeBenchService(place, Number(options.cards));
  const server = await startServer(
    SERVER_CORE,
    (port) => [MAIN, 'serve', '--home', service.home, '--port', String(port)],
    { ...RATE_UNLIMITED, ...(url !== undefined && { PANTOKEN_DATABASE_URL: url }) },
  );
  try {
    await measure(engine, service, server);
  } finally {
    await server.stop();
    await postgres?.stop();
    rmSync(service.home, { recursive: true });
  }
}
