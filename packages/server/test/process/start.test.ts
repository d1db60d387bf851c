import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { freePort, startProgram } from '../harness/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'pantoken-test-'));
after(() => rmSync(folder, { recursive: true }));

async function demandRefused(
  args: readonly string[],
  env: Record<string, string>,
  message: RegExp,
): Promise<void> {
  const { code, stdout, stderr } = await startProgram(args, env).ended;
  assert.equal(code, 1);
  assert.match(stderr, message);
  assert.doesNotMatch(stderr, /\n\s+at /, 'a person gets a sentence, not a stack');
  assert.equal(stdout, '');
}

describe('the program does not start', () => {
  it('with a variable it does not know, and names all that is wrong at once, without values', async () => {
    const env = { PANTOKEN_PROT: 'canary-1', PANTOKEN_PORT: '99999', PANTOKEN_LOG_LEVEL: 'canary' };
    const { code, stderr } = await startProgram(['sandbox'], env).ended;
    assert.equal(code, 1);
    for (const name of Object.keys(env)) assert(stderr.includes(name), name);
    assert.doesNotMatch(stderr, /canary|99999/);
  });

  it('in a folder that holds something else', async () => {
    const home = join(folder, 'letters');
    mkdirSync(home);
    writeFileSync(join(home, 'letter.txt'), 'Dear');
    await demandRefused(['sandbox'], { PANTOKEN_HOME: home }, /is no sandbox/);
    assert(existsSync(join(home, 'letter.txt')));
  });

  it('in a folder where there is no service', async () => {
    const home = join(folder, 'nothing');
    await demandRefused(['serve', '--home', home], {}, /there is no service in/);
    assert(!existsSync(home));
  });

  it('without a home to serve', async () => {
    await demandRefused(['serve'], {}, /--home/);
  });

  it('by a command it does not have', async () => {
    await demandRefused(['severe'], {}, /unknown command/);
  });

  it('without saying so when its port is taken', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    const env = { PANTOKEN_HOME: join(folder, 'taken'), PANTOKEN_PORT: String(port) };
    await demandRefused(['sandbox'], env, new RegExp(`port ${port} is in use`));
    other.close();
  });

  it('with a key-encryption key that others can read', async () => {
    const home = join(folder, 'taken'); // The sandbox of the test above is whole.
    chmodSync(join(home, 'key-encryption-key'), 0o644);
    const args = ['serve', '--home', home];
    await demandRefused(args, {}, /mode 644; it must be 600/);
    chmodSync(join(home, 'key-encryption-key'), 0o600);
  });

  it('with another key-encryption key, or none', async () => {
    const home = join(folder, 'taken');
    const path = join(home, 'key-encryption-key');
    const args = ['serve', '--home', home];
    writeFileSync(path, `${'0f'.repeat(32)}\n`, { mode: 0o600 });
    await demandRefused(args, {}, /reason: it was wrapped under another key/);
    writeFileSync(path, 'not a key', { mode: 0o600 });
    await demandRefused(args, {}, /is not 64 hexadecimal digits/);
    rmSync(path);
    await demandRefused(args, {}, /key-encryption-key/);
  });
});
