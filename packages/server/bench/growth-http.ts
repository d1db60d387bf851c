/**
 * `npm run bench:growth-http`: what an inquiry takes as its caller sees it, with 10,000 and with
 * 10,000,000 cards in the SQLite file of a running service. The service makes 10,000 cards itself, which
 * are those that are asked for; the file is filled up with others, among which these lie scattered.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { fillSqlite } from './fill-sqlite.ts';
import { MAIN, makeBenchService, startServer, writeHeaders } from './service-under-test.ts';

const { values: options } = parseArgs({
  options: {
    cards: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '4' },
    /** The mean pause of a connection between two requests, ms. */
    pause: { type: 'string', default: '5' },
  },
});

const OWN_CARDS = 10_000;
const CHUNK = 250_000;

const service = await makeBenchService(undefined, OWN_CARDS);
const bodies = join(service.home, 'inquiries.wrk');
const lines = service.pans.map((cardNumber) => ({
  ...{ organizationNumber: 100, cardNumber, cardSequence: 1, functionType: 'C' },
}));
writeFileSync(bodies, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });

/** The medians of several rounds, in ms, the smallest first. */
async function inquire(): Promise<readonly number[]> {
  const server = await startServer(0, (port) => [
    ...[MAIN, 'serve', '--home', service.home, '--port', String(port)],
  ]);
  try {
    const { issuer } = await writeHeaders(service, server.port);
    const { connections, seconds, pause } = options;
    const url = `http://127.0.0.1:${server.port}/`;
    const medians = Array.from({ length: Number(options.rounds) + 1 }, () => {
      const size = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency'];
      const script = ['-s', join(import.meta.dirname, 'wrk.lua'), url, '--', 'POST'];
      const rest = ['/cards/embosser/card-pan-l8v2', issuer, bodies, pause];
      const args = ['-c', '1', 'wrk', ...size, ...script, ...rest];
      const text = execFileSync('taskset', args, { encoding: 'utf8' });
      const { failed, p50 } = JSON.parse(text.trim().split('\n').at(-1) ?? '');
      if (failed > 0) throw new Error(`${failed} inquiries failed`);
      return Number(p50);
    });
    return medians.slice(1).toSorted((a, b) => a - b); // The first warms.
  } finally {
    await server.stop();
  }
}

const middle = (values: readonly number[]) => values[Math.floor(values.length / 2)] ?? Number.NaN;

try {
  const few = middle(await inquire());
  process.stdout.write(`${OWN_CARDS} cards: an inquiry takes ${few} ms (p50)\n`);
  const database = new DatabaseSync(join(service.home, 'pantoken.db'));
  database.exec('pragma synchronous = off; pragma cache_size = -4000000;');
  const cards = Number(options.cards) - OWN_CARDS;
  for (let from = 0; from < cards; from += CHUNK) {
    fillSqlite(database, from, Math.min(cards, from + CHUNK));
  }
  database.exec('pragma wal_checkpoint(truncate)');
  database.close();
  const many = middle(await inquire());
  process.stdout.write(
    `${options.cards} cards: ${many} ms, ${(many / few).toFixed(2)} times as long\n`,
  );
} finally {
  rmSync(service.home, { recursive: true });
}
