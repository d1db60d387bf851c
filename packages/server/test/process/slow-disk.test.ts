import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBenchService } from '../../bench/service-under-test.ts';
import { makeNodeProcess } from '../../crash/node-process.ts';
import { makeIssuerClient } from '../harness/issuer-client.ts';
import { lacking } from '../harness/machine.ts';
import { makePanRegistry } from '../harness/pan-registry.ts';
import { freePort } from '../harness/postgres.ts';
import { fetching } from '../harness/send.ts';

const TITLE = 'while a disk takes its time over an fsync, all that needs no commit goes on';

it(TITLE, { skip: lacking('strace') }, async () => {
  const service = await makeBenchService(undefined, 0);
  const node = makeNodeProcess(service.home, await freePort(), '', '');
  await node.start();
  const credentials = { ...service, name: 'issuer', clientId: '00970' };
  const issuer = makeIssuerClient(fetching(node.url, makePanRegistry()), credentials);
  await issuer.create();

  // Half a second, ten times what a bad disk takes: no doubt about the order on a busy machine.
  const calls = 'fsync,fdatasync';
  const args = ['-f', '-qq', '-o', '/dev/null', '-p', String(node.pid()), '-e', `trace=${calls}`];
  const strace = spawn('strace', [...args, '-e', `inject=${calls}:delay_enter=500000`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await sleep(300); // It has attached.
  let isCreated = false;
  const created = issuer.create().then((reply) => {
    isCreated = true;
    return reply;
  });
  let signedInCount = 0;
  while (!isCreated) {
    await issuer.signIn(); // Looks a caller up and checks its secret.
    if (!isCreated) signedInCount++;
  }
  assert.equal((await created).status, 200);
  strace.kill('SIGINT');
  await once(strace, 'exit');
  await node.kill();
  rmSync(service.home, { recursive: true });
  assert.ok(signedInCount >= 5, `${signedInCount} look-ups while one commit was under way`);
});
