import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createSecretKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { aesCheckValue } from '../../src/keys/check-value.ts';
import { makeKeyBlock, openTokenKeyBlock, TOKEN_KEY_HEADER } from '../../src/keys/key-block.ts';
import { formatComponent, joinComponents } from '../../src/keys/key-component.ts';
import { makeKeyHome } from '../harness/key-home.ts';
import { auditOf } from '../harness/service.ts';
import { readRows } from '../harness/written-files.ts';

const run = promisify(execFile);
const BIN = join(import.meta.dirname, '../../bin/pantoken.ts');
const PTY = join(import.meta.dirname, '../harness/terminal.py');
const PROGRAM = [process.execPath, '--conditions=pantoken-source', BIN];
const ENV = { PATH: process.env.PATH };

const keyHome = await makeKeyHome(1);

/** `keys import` into a copy of the home. */
const importInto = (home: string, ...more: string[]) =>
  ['keys', 'import', '--home', home, '--organization', '100', ...more] as const;

/** Gives a command on a real terminal; each step waits for its text, and types. */
async function onTerminal(
  args: readonly string[],
  steps: readonly (readonly [string, string])[],
): Promise<{ shown: string; code: number; echoes: boolean }> {
  const given = [PTY, JSON.stringify(steps), ...PROGRAM, ...args];
  return JSON.parse((await run('python3', given, { env: ENV })).stdout);
}

/** The same, fed by a pipe. */
async function throughPipe(args: readonly string[], input: string) {
  const [command = '', ...rest] = PROGRAM;
  const child = spawn(command, [...rest, ...args], { env: ENV });
  let shown = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
  }
  child.stdin.on('error', () => undefined); // It may not want to read on.
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { shown, code };
}

const digitsOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').toUpperCase();

/** None of the digits of a component, in whatever groups and case: five in a row are no chance. */
function demandNotShown(shown: string, components: readonly Uint8Array[]): void {
  const text = shown.toUpperCase().replaceAll(/[ -]/g, '');
  for (const component of components) {
    const digits = digitsOf(component);
    for (let at = 0; at + 8 <= digits.length; at++) {
      assert(!text.includes(digits.slice(at, at + 8)), 'a component was shown');
    }
  }
}

const importedTo = (home: string) =>
  readRows(
    home,
    "select check_value as v from wrapped_key where organization = 100 and purpose = 'token' and epoch = 2",
  )[0]?.v;

describe('the components of a key, entered by their custodians', () => {
  it('are typed unseen on a terminal, one after the other, and their check values shown', async () => {
    const home = keyHome.copy();
    const components = [randomBytes(32), randomBytes(32), randomBytes(32)] as const;
    const [a, b, c] = components;
    const wrongDigit = `${formatComponent(b).slice(0, -1)}${formatComponent(b).endsWith('0') ? '1' : '0'}`;
    const { shown, code, echoes } = await onTerminal(importInto(home, '--components', '3'), [
      // A slip, rubbed out; then the check value is looked at, and it is typed again.
      ['Type component 1 of 3', `7\x7f${digitsOf(a)}\r`],
      [`Its check value is ${aesCheckValue(a)}`, 'n\r'],
      ['Type component 1 of 3 of the token key again', `rubbish\x15${digitsOf(a)}\r`],
      [`Its check value is ${aesCheckValue(a)}`, '\r'],
      // Nothing that is pasted before its question is taken for an answer to it.
      ['Let the next custodian come alone', `\r${digitsOf(a)}\r`],
      ['Type component 2 of 3', `${wrongDigit}\r`],
      ['a digit is wrong', `${formatComponent(b).toLowerCase()}\r`],
      [`Its check value is ${aesCheckValue(b)}`, '\r'],
      ['Let the next custodian come alone', '\r'],
      ['Type component 3 of 3', `${digitsOf(c)}\r`],
      [`Its check value is ${aesCheckValue(c)}`, '\r'],
    ]);
    assert.equal(code, 0, shown);
    assert(echoes, 'the terminal was left as it was not');
    demandNotShown(shown, components);
    const checkValue = aesCheckValue(joinComponents(components));
    assert.match(shown, new RegExp(`epoch 2 waits, check value ${checkValue}`));
    assert.equal(importedTo(home), checkValue);
    assert.equal(auditOf(home).at(-1)?.action, 'import_key');
    demandNotShown(JSON.stringify(auditOf(home)), components);
  });

  it('can be broken off, and three wrong ones end it; the terminal shows again what is typed', async () => {
    const home = keyHome.copy();
    const type = 'Type component 1 of 2';
    const broken = await onTerminal(importInto(home, '--components', '2'), [[type, 'AB\x03']]);
    assert.equal(broken.code, 1);
    assert(broken.echoes);
    assert.match(broken.shown, /broken off/);
    const again = 'That was none';
    const wrong = await onTerminal(importInto(home, '--components', '2'), [
      [type, 'AB12\r'],
      [again, 'AB12\r'],
      [again, 'AB12\r'],
    ]);
    assert.equal(wrong.code, 1);
    assert(wrong.echoes && !wrong.shown.includes('AB12'));
    const record = auditOf(home).at(-1);
    assert.equal(`${record?.action} ${record?.code}`, 'import_key KEY_INPUT_INVALID');
    assert.equal(importedTo(home), undefined);
  });

  it('come from a pipe, a line each, with their check values', async () => {
    const home = keyHome.copy();
    const components = [randomBytes(32), randomBytes(32)] as const;
    const lines = components.map(formatComponent);
    const give = (text: string) => throughPipe(importInto(home, '--components', '2'), text);
    assert.match((await give(`${lines[0]}\n`)).shown, /has 1 lines, and should have 2/);
    const bare = await give(components.map((each) => `${digitsOf(each)}\n`).join(''));
    assert.match(bare.shown, /and its check value/);
    const { shown, code } = await give(`${lines.join('\n')}\n`);
    assert.equal(code, 0, shown);
    demandNotShown(shown + bare.shown, components);
    for (const each of components) assert(shown.includes(aesCheckValue(each)));
    assert.equal(importedTo(home), aesCheckValue(joinComponents(components)));
  });

  it('are those of a transport key as well, when a key block comes in or goes out', async () => {
    const home = keyHome.copy();
    const components = [randomBytes(32), randomBytes(32)] as const;
    const transport = createSecretKey(joinComponents(components));
    const bytes = randomBytes(32);
    const block = join(home, 'block');
    const text = makeKeyBlock(transport, TOKEN_KEY_HEADER, bytes);
    writeFileSync(block, text, { mode: 0o600 });
    const [a, b] = components.map(digitsOf);
    const steps = [
      ['Type component 1 of 2 of the transport key', `${a}\r`],
      ['Its check value is', '\r'],
      ['Let the next custodian come alone', '\r'],
      ['Type component 2 of 2 of the transport key', `${b}\r`],
      ['Its check value is', '\r'],
    ] as const;
    const args = importInto(home, '--key-block', block, '--transport-components', '2');
    const taken = await onTerminal(args, steps);
    assert.equal(taken.code, 0, taken.shown);
    assert.equal(importedTo(home), aesCheckValue(bytes));
    const named = ['--home', home, '--organization', '100', '--epoch', '2'];
    const given = await onTerminal(
      ['keys', 'export', ...named, '--transport-components', '2'],
      steps,
    );
    const [exported = ''] = /^D0[0-9A-Z]{20,}/m.exec(given.shown) ?? [];
    assert.deepEqual(openTokenKeyBlock(transport, exported), bytes);
    demandNotShown(taken.shown + given.shown, components);
  });
});
