/**
 * `npm run show:letters`: every letter from every source, asked in clear and encrypted, and each answer
 * opened by the standard ways of openssl, Node.js, Java and Python. Says what is not on this machine.
 *
 * @module
 */
import { execFile, execFileSync } from 'node:child_process';
import { privateDecrypt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compactDecrypt } from 'jose';
import { MESSAGE_ALGORITHMS, type MessageAlgorithm } from '../src/domain/merchant.ts';
import { RSA_OPTIONS } from '../src/keys/message-forms.ts';
import { startLetterSources } from '../test/harness/letters.ts';

/** One way to open messages of one algorithm, in order; undefined: it has no way for that algorithm. */
type Opener = (
  keyFile: string,
  algorithm: MessageAlgorithm,
  messages: readonly string[],
) => Promise<readonly string[]> | undefined;

const { sources, keys, close } = await startLetterSources();
const folder = mkdtempSync(join(tmpdir(), 'pantoken-show-'));
const scripts = join(import.meta.dirname, 'decrypt');
const print = (text: string) => void process.stdout.write(`${text}\n`);

/** The services of this process go on meanwhile. */
async function run(command: string, args: readonly string[], input: string | Buffer) {
  const running = promisify(execFile)(command, [...args]);
  running.child.stdin?.end(input);
  return (await running).stdout;
}

/** A program that takes the key, the algorithm and the messages, one a line. */
const program =
  (command: string, ...args: string[]): Opener =>
  async (keyFile, algorithm, messages) => {
    const clear = await run(command, [...args, keyFile, algorithm], messages.join('\n'));
    return clear.trim().split('\n');
  };

const OPENSSL_PADDING = {
  'rsa-v1_5': ['rsa_padding_mode:pkcs1'],
  'rsa-oaep-256': ['rsa_padding_mode:oaep', 'rsa_oaep_md:sha256', 'rsa_mgf1_md:sha256'],
} as const;

const OPENERS: Readonly<Record<string, Opener>> = {
  'Node.js': async (_keyFile, algorithm, messages) => {
    const key = keys[algorithm];
    if (algorithm !== 'jwe') {
      return messages.map((each) =>
        privateDecrypt({ key, ...RSA_OPTIONS[algorithm] }, Buffer.from(each, 'base64')).toString(),
      );
    }
    const opened = messages.map((each) => compactDecrypt(each, key));
    return (await Promise.all(opened)).map(({ plaintext }) => Buffer.from(plaintext).toString());
  },
  // Its command line has no authenticated encryption, so no JWE.
  openssl: (keyFile, algorithm, messages) => {
    if (algorithm === 'jwe') return undefined;
    const options = OPENSSL_PADDING[algorithm].flatMap((each) => ['-pkeyopt', each]);
    const args = ['pkeyutl', '-decrypt', '-inkey', keyFile, ...options];
    return Promise.all(messages.map((each) => run('openssl', args, Buffer.from(each, 'base64'))));
  },
  Java: program('java', join(scripts, 'Decrypt.java')),
  Python: program('python3', join(scripts, 'decrypt.py')),
};

/** Whether a tool is here; what it needs is said where it is not. */
function isHere(name: string): boolean {
  const probe = { openssl: ['openssl', 'version'], Java: ['java', '-version'] } as const;
  const [command = '', ...args] =
    name === 'Python'
      ? ['python3', '-c', 'import cryptography']
      : (probe[name as 'Java'] ?? ['true']);
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    print(`${name} is not here${name === 'Python' ? ', or its package cryptography' : ''}.`);
    return false;
  }
}

let wrongCount = 0;
try {
  const tools = Object.entries(OPENERS).filter(([name]) => isHere(name));
  for (const algorithm of MESSAGE_ALGORITHMS) {
    const keyFile = join(folder, `${algorithm}.pem`);
    writeFileSync(keyFile, keys[algorithm].export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
    });
    for (const { name, cards, ask } of sources) {
      for (const way of ['clear', 'encrypted'] as const) {
        const messages = await Promise.all(cards.map((card) => ask(card, algorithm, way)));
        const expected = cards.map(({ letter, pan }) => `${letter} ${pan}`);
        const by: string[] = [];
        for (const [tool, open] of tools) {
          const opened = await open(keyFile, algorithm, messages);
          if (opened === undefined) continue;
          const seen = opened.map((text) => {
            const { status, oldpan } = JSON.parse(text);
            return `${status} ${oldpan}`;
          });
          const isRight = seen.join() === expected.join();
          if (!isRight) wrongCount++;
          by.push(isRight ? tool : `${tool} DIFFERS`);
        }
        const letters = [...new Set(cards.map(({ letter }) => letter))].sort().join('');
        print(`${algorithm} ${name}, asked ${way}: ${letters}, opened alike by ${by.join(', ')}`);
      }
    }
  }
} finally {
  await close();
  rmSync(folder, { recursive: true });
}
process.exitCode = wrongCount === 0 ? 0 : 1;
