/**
 * `npm run bench:flood`: how long inquiries of one caller take while somebody floods the server, as a
 * multiple of what they take when nobody does. Quiet and flood go in turn in one run, so that a noisy
 * machine is noisy to both; the median of the rounds is printed.
 *
 * `--by merchant` (default) floods the private key with encrypted requests, `--by stranger` sends access
 * tokens with a wrong signature, `--by caller` asks far more than a caller may.
 *
 * @module
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { constants, publicEncrypt, randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { MAIN, makeBenchService, startServer, writeHeaders } from './service-under-test.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    /** Who floods: merchant, stranger or caller. */
    by: { type: 'string', default: 'merchant' },
    /** Of the flood. */
    connections: { type: 'string', default: '64' },
    /** Whether the flood can be decrypted. */
    bad: { type: 'boolean', default: false },
    /** The core the server is held to; left out: all of them. */
    core: { type: 'string' },
    /** 1: fails when the median of the rounds is above 2. */
    check: { type: 'boolean', default: false },
  },
});

const CLIENT_CORE = '1';
/** More than twice what the inquiries below need, and far less than a flood sends. */
const REQUESTS_PER_MINUTE = '60000';
const RATIO_MAX = 2;
const script = join(import.meta.dirname, 'wrk.lua');

interface Latency {
  readonly count: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
}

const service = await makeBenchService(undefined, 2_000);
const core = options.core === undefined ? undefined : Number(options.core);
const server = await startServer(
  core,
  (port) => [MAIN, 'serve', '--home', service.home, '--port', String(port)],
  options.by === 'caller' ? { PANTOKEN_REQUESTS_PER_MINUTE: REQUESTS_PER_MINUTE } : {},
);
const headers = await writeHeaders(service, server.port);
const url = `http://127.0.0.1:${server.port}`;

function write(name: string, lines: readonly unknown[]): string {
  const file = join(service.home, `${name}.wrk`);
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
  return file;
}

const inquiries = write(
  'inquiries',
  service.pans.map((cardNumber) => ({
    ...{ organizationNumber: 100, cardNumber, cardSequence: 1, functionType: 'C' },
  })),
);

function encrypted(pan: string): { encdata: string } {
  if (options.bad) return { encdata: randomBytes(512).toString('base64') };
  const key = service.servicePublicKey;
  const fields = { pan, expmonth: '11', expyear: '2030', merchantid: service.merchantId };
  const padding = constants.RSA_PKCS1_PADDING;
  const bytes = publicEncrypt({ key, padding }, Buffer.from(JSON.stringify(fields)));
  return { encdata: bytes.toString('base64') };
}

const inquiryPath = '/cards/embosser/card-pan-l8v2';
/** Path, headers and bodies of each flood. */
const FLOODS: Readonly<Record<string, () => readonly string[]>> = {
  merchant: () => [
    ...['/api/cu/validatepan', headers.merchant],
    write('flood', service.pans.slice(0, 200).map(encrypted)),
  ],
  stranger: () => [inquiryPath, headers.stranger, inquiries],
  caller: () => [inquiryPath, headers.other, inquiries],
};
const flood = FLOODS[options.by]?.();
if (flood === undefined) throw new Error(`--by is one of ${Object.keys(FLOODS).join(', ')}`);

function wrk(connections: number, rest: readonly string[]): readonly string[] {
  const size = ['-t1', `-c${connections}`, `-d${options.seconds}s`, '--latency'];
  return ['-c', CLIENT_CORE, 'wrk', ...size, '-s', script, url, '--', 'POST', ...rest];
}

/** Four channels that ask some hundred times a second together: far from what the server can do. */
async function inquire(): Promise<Latency> {
  const { stdout } = await promisify(execFile)('taskset', [
    ...wrk(4, [inquiryPath, headers.issuer, inquiries, '10']),
  ]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

function startFlood(sent: readonly string[]): {
  readonly child: ChildProcess;
  readonly done: Promise<Latency>;
} {
  const args = wrk(Number(options.connections), [...sent, '0']);
  const child = spawn('taskset', [...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (part) => {
    text += part;
  });
  const done = new Promise<Latency>((resolve) => {
    child.once('exit', () => resolve(JSON.parse(text.trim().split('\n').at(-1) ?? '')));
  });
  return { child, done };
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const ratios: { p50: number; p99: number }[] = [];
try {
  await inquire(); // Warm.
  for (let round = 0; round < Number(options.rounds); round++) {
    const quiet = await inquire();
    const flooding = startFlood(flood);
    const busy = await inquire();
    const { count, failed } = await flooding.done;
    ratios.push({ p50: busy.p50 / quiet.p50, p99: busy.p99 / quiet.p99 });
    const seconds = Number(options.seconds);
    process.stdout.write(
      `quiet p50 ${quiet.p50} ms, p99 ${quiet.p99} ms; beside ${(count / seconds).toFixed(0)} ` +
        `requests/s of the flood (${failed} of ${count} refused) p50 ${busy.p50} ms, p99 ${busy.p99} ms; ` +
        `inquiries failed: ${busy.failed}\n`,
    );
  }
} finally {
  await server.stop();
  rmSync(service.home, { recursive: true });
}
const [p50, p99] = [median(ratios.map((each) => each.p50)), median(ratios.map((each) => each.p99))];
process.stdout.write(
  `inquiries beside the flood: p50 x ${p50.toFixed(2)}, p99 x ${p99.toFixed(2)}\n`,
);
if (options.check && !(p50 <= RATIO_MAX)) process.exitCode = 1;
