/**
 * `npm run bench:encdata`: how long unreadable encrypted requests take, by what is wrong with them. All
 * are answered by one status and one body; who could tell the kinds apart by their times would have the
 * oracle that breaks PKCS #1 v1.5. The kinds go in random turns over one connection; for each
 * kind Welch's t against all others is printed, of the times below the 90th percentile of all. Above 4.5
 * it can be told apart.
 *
 * @module
 */
import { constants, publicEncrypt, randomBytes, randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import { MAIN, makeBenchService, startServer } from './service-under-test.ts';

const { values: options } = parseArgs({
  options: { each: { type: 'string', default: '500' }, check: { type: 'boolean', default: false } },
});
const EACH = Number(options.each);
const T_MAX = 4.5;

const service = await makeBenchService(undefined, 1);
const server = await startServer(undefined, (port) => [
  ...[MAIN, 'serve', '--home', service.home, '--port', String(port)],
]);
const key = service.servicePublicKey;
const padding = constants.RSA_PKCS1_PADDING;
const encrypt = (text: string) => publicEncrypt({ key, padding }, Buffer.from(text));
const fields = { pan: service.pans[0], expmonth: '11', expyear: '2030' };
const readable = () => encrypt(JSON.stringify({ ...fields, merchantid: service.merchantId }));

/** Well padded, and yet of no use. */
const KINDS: Readonly<Record<string, () => Buffer>> = {
  'well padded, of another merchant': () =>
    encrypt(JSON.stringify({ ...fields, merchantid: randomBytes(16).toString('hex') })),
  'well padded, not JSON': () => encrypt(randomBytes(100).toString('base64')),
  tampered() {
    const bytes = readable();
    const at = randomInt(1, bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << randomInt(8));
    return bytes;
  },
  truncated: () => readable().subarray(0, randomInt(1, 512)),
  'too long': () => Buffer.concat([readable(), randomBytes(randomInt(1, 100))]),
  random: () => randomBytes(512),
  'above the modulus': () => Buffer.alloc(512, 0xff),
};

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const headers = { 'content-type': 'application/json', 'x-api-key': service.merchantKey };

function ask(body: string): Promise<{ answer: string; micros: number }> {
  return new Promise((resolve, reject) => {
    const beganAt = process.hrtime.bigint();
    const options = { port: server.port, path: '/api/cu/validatepan', method: 'POST' };
    const sent = request({ ...options, agent, headers }, (reply) => {
      const parts: Buffer[] = [];
      reply.on('data', (part) => parts.push(part));
      reply.on('end', () => {
        const micros = Number(process.hrtime.bigint() - beganAt) / 1000;
        const { correlationID: _, ...rest } = JSON.parse(Buffer.concat(parts).toString());
        resolve({ answer: JSON.stringify([reply.statusCode, rest]), micros });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const times = new Map<string, number[]>(Object.keys(KINDS).map((name) => [name, []]));
const answers = new Set<string>();
try {
  const names = Object.keys(KINDS);
  for (let count = 0; count < EACH * names.length + 50; count++) {
    const name = names[randomInt(names.length)] ?? '';
    const body = JSON.stringify({ encdata: KINDS[name]?.().toString('base64') });
    const { answer, micros } = await ask(body);
    answers.add(answer);
    if (count >= 50) times.get(name)?.push(micros); // The first ones warm it.
  }
} finally {
  agent.destroy();
  await server.stop();
  rmSync(service.home, { recursive: true });
}

const quantile = (values: readonly number[], part: number) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN;
const all = [...times.values()].flat();
const limit = quantile(all, 0.9);

function moments(values: readonly number[]) {
  const kept = values.filter((each) => each <= limit);
  const mean = kept.reduce((sum, each) => sum + each, 0) / kept.length;
  const variance = kept.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (kept.length - 1);
  return { mean, error: variance / kept.length };
}

let worst = 0;
for (const [name, values] of times) {
  const others = [...times].filter(([other]) => other !== name).flatMap(([, each]) => each);
  const [own, rest] = [moments(values), moments(others)];
  const t = Math.abs(own.mean - rest.mean) / Math.sqrt(own.error + rest.error);
  worst = Math.max(worst, t);
  const shown = [0.1, 0.5, 0.9].map((part) => quantile(values, part).toFixed(0)).join(' / ');
  process.stdout.write(
    `${name}: ${values.length} times, p10 / p50 / p90 ${shown} µs, t against all others ${t.toFixed(2)}\n`,
  );
}
process.stdout.write(`answers: ${[...answers].join('\n')}\n`);
process.stdout.write(`${answers.size} answer, largest t ${worst.toFixed(2)}\n`);
if (options.check && (answers.size !== 1 || worst > T_MAX)) process.exitCode = 1;
