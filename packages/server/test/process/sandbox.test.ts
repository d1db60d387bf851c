import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { luhnResidue } from '@pantoken/pan-token';
import { unpad } from '../harness/issuer-client.ts';
import { makeTestSandbox, startProgram } from '../harness/server.ts';

const run = promisify(execFile);
const sandbox = await makeTestSandbox();
const program = await sandbox.start();
after(() => program.signal('SIGINT'));

const STATUSES = ['A', 'C', 'E', 'N', 'O', 'P', 'Q', 'V'];

async function whereIs(tool: string): Promise<string> {
  const { stdout } = await run('/bin/sh', ['-c', `command -v ${tool}`]);
  return stdout.trim();
}

describe('a new sandbox', () => {
  it('writes the credentials of its clients, in the form that is documented', () => {
    const { url, callers, merchant, servicePublicKeyPem, scenarios } = sandbox.credentials();
    assert.equal(url, sandbox.url);
    const organizations = [100, 200, 300, 400];
    for (const [index, caller] of callers.entries()) {
      const { apikey, secret, ...rest } = caller;
      const name = ['issuer', 'channel'][index];
      const pciCertified = name === 'issuer';
      assert.deepEqual(rest, { name, clientId: `0097${index}`, pciCertified, organizations });
      assert(Buffer.from(apikey, 'base64url').length >= 32);
      assert(Buffer.from(secret, 'base64url').length >= 32);
    }
    assert.equal(callers.length, 2);
    assert.match(merchant.merchantid, /^[0-9a-f]{32}$/);
    assert.match(merchant.privateKeyPem, /^-----BEGIN PRIVATE KEY-----/);
    assert.match(servicePublicKeyPem, /^-----BEGIN PUBLIC KEY-----/);
    assert.deepEqual(scenarios.map(({ status }) => status).sort(), STATUSES);
    for (const { pan, expmonth, expyear } of scenarios) {
      assert.match(`${pan} ${expmonth} ${expyear}`, /^[0-9]{16} [0-9]{2} [0-9]{4}$/);
    }
  });

  it('lets nobody but its owner read its files', () => {
    assert.equal(statSync(sandbox.home).mode & 0o077, 0);
    for (const name of readdirSync(sandbox.home)) {
      assert.equal(statSync(join(sandbox.home, name)).mode & 0o777, 0o600, name);
    }
  });

  it('prints no secret and no card number', () => {
    const { callers, merchant, scenarios } = sandbox.credentials();
    const secrets = callers.flatMap(({ apikey, secret }) => [apikey, secret]);
    for (const secret of [...secrets, merchant.apiKey, ...scenarios.map(({ pan }) => pan)]) {
      assert(!program.stdout().includes(secret));
    }
    assert.doesNotMatch(program.stdout(), /PRIVATE KEY/);
  });

  it('prints lines that do the main job when pasted into bash with only curl and openssl', async () => {
    const [, guide = ''] = /(# --- paste[\s\S]*\n# -{20,}\n)/.exec(program.stdout()) ?? [];
    assert.notEqual(guide, '');
    const tools = join(dirname(sandbox.home), 'tools');
    mkdirSync(tools);
    for (const tool of ['curl', 'openssl']) symlinkSync(await whereIs(tool), join(tools, tool));
    const bash = await whereIs('bash');
    const { stdout, stderr } = await run(bash, ['--norc', '-c', guide], { env: { PATH: tools } });
    assert.equal(stderr, '');
    const lines = stdout.trim().split('\n');
    for (const line of lines) sandbox.registry.addFromJson(line);

    const token = /^token: ([0-9A-Z]{19})$/.exec(lines[0] ?? '')?.[1] ?? '';
    const [number, refusal, ...answers] = lines.slice(1).map((line) => JSON.parse(line));
    assert.equal(number.data.panToken, token);
    assert.equal(luhnResidue(unpad(number.data.cardNumber)), 0);
    assert.equal(refusal.hasError, true);
    assert.equal(refusal.errors[0].code, 'NUMBER_FORBIDDEN');
    assert.deepEqual(
      answers.map(({ status }) => status),
      STATUSES,
    );
  });

  it('answers each of its scenarios as it says, to a client of its own', async () => {
    const merchant = sandbox.merchant();
    for (const { status, pan, expmonth, expyear } of sandbox.credentials().scenarios) {
      assert.equal((await merchant.validate(pan, expmonth, expyear)).status, status);
    }
  });
});

describe('a sandbox that is there', () => {
  it('is opened as it is, on another port when that is asked for', async () => {
    const before = sandbox.credentials();
    const token = (await sandbox.caller('issuer').create()).data.cardNumber;
    program.signal('SIGINT');
    await program.ended;
    const moved = startProgram(['sandbox', '--port', String(sandbox.port + 1)], sandbox.env);
    await moved.untilPrinted('Ctrl-C stops it.');
    assert.match(moved.stdout(), /Opened the sandbox/);
    moved.signal('SIGINT');
    await moved.ended;
    const url = `http://127.0.0.1:${sandbox.port + 1}`;
    assert.deepEqual(sandbox.credentials(), { ...before, url });

    const back = await sandbox.start();
    assert.deepEqual(sandbox.credentials(), before);
    assert.equal((await sandbox.caller('issuer').numberOf(100, token)).status, 200);
    back.signal('SIGINT');
    await back.ended;
  });
});

it('a first start that is interrupted leaves no half of a sandbox, and the next makes a whole one', async () => {
  const home = join(dirname(sandbox.home), 'interrupted');
  const env = { ...sandbox.env, PANTOKEN_HOME: home };
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const first = startProgram(['sandbox'], env);
    while (!existsSync(join(`${home}.making`, 'pantoken.db'))) await turn();
    first.signal(signal);
    assert(!(await first.ended).stdout.includes('Ctrl-C'));
    assert(!existsSync(home));
    if (signal === 'SIGINT') rmSync(`${home}.making`, { recursive: true });
  }
  const second = startProgram(['sandbox'], env);
  await second.untilPrinted('Ctrl-C stops it.');
  assert.match(second.stdout(), /Made a new sandbox/);
  assert(!existsSync(`${home}.making`));
  const text = readFileSync(join(home, 'credentials.json'), 'utf8');
  assert.equal(JSON.parse(text).scenarios.length, 8);
  second.signal('SIGINT');
  assert.equal((await second.ended).code, 0);
});

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
