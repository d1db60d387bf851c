import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBenchService } from '../../bench/service-under-test.ts';
import { startClients } from '../../crash/clients.ts';
import { makeModel } from '../../crash/model.ts';
import { makeSeeded } from '../../crash/seeded.ts';
import { freePort } from '../harness/postgres.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

it('two workers share a port, one that is killed is replaced, and SIGTERM loses no answer', async () => {
  const service = await makeBenchService(undefined, 0);
  const port = await freePort();
  const args = ['serve', '--home', service.home, '--port', String(port), '--workers', '2'];
  const program = spawn(process.execPath, ['--conditions=pantoken-source', MAIN, ...args], {
    stdio: 'ignore',
  });
  const { pid } = program;
  const workersOf = () =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  const url = `http://127.0.0.1:${port}`;
  await untilAnswering(url);
  const model = makeModel();
  const seeded = makeSeeded(1);
  const deps = { urls: () => [url], credentials: service, model, seeded };
  const clients = startClients(deps, 4);
  await untilAnswered(clients.answeredCount, 20);
  const [victim] = workersOf();
  assert(victim);
  process.kill(victim, 'SIGKILL');
  while (workersOf().length < 2 || workersOf().includes(victim)) await sleep(50);
  await untilAnswered(clients.answeredCount, clients.answeredCount() + 20);
  const ended = once(program, 'exit');
  program.kill('SIGTERM');
  const [code] = await ended;
  await clients.stop();
  rmSync(service.home, { recursive: true });
  assert.equal(code, 0);
  assert.deepEqual(model.violations, []);
});

async function untilAnswering(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    try {
      await fetch(url);
      return;
    } catch {
      await sleep(50);
    }
  }
  assert.fail('the workers do not listen');
}

async function untilAnswered(count: () => number, wanted: number): Promise<void> {
  for (let tries = 0; tries < 1200 && count() < wanted; tries++) await sleep(50);
  assert.ok(count() >= wanted, 'the service does not answer');
}
