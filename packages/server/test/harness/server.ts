import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { SandboxCredentials } from '../../src/cli/sandbox.ts';
import { type IssuerClient, makeIssuerClient } from './issuer-client.ts';
import { type MerchantClient, makeMerchantClient } from './merchant-client.ts';
import { makePanRegistry, type PanRegistry } from './pan-registry.ts';
import { fetching, type Send } from './send.ts';
import { addKeptNumbers, demandNoPanIn } from './written-files.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** How a process of the program ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of the program. */
export interface Program {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Resolves when the text was printed; rejects when the program ends without. */
  untilPrinted(text: string): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  ended: Promise<Ending>;
}

/** @param env beside PATH; the variables of whoever runs the tests are not handed on. */
export function startProgram(args: readonly string[], env: Record<string, string> = {}): Program {
  const child = spawn(process.execPath, ['--conditions=pantoken-source', MAIN, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text;
    });
  }
  const ended = once(child, 'close').then(([code, signal]): Ending => {
    running.delete(child);
    return { code, signal, ...printed };
  });
  assert(child.pid);
  return {
    pid: child.pid,
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    async untilPrinted(text) {
      while (!printed.stdout.includes(text)) {
        const next = once(child.stdout, 'data');
        const isOver = await Promise.race([next, ended.then(() => 'over' as const)]);
        if (isOver === 'over' && !printed.stdout.includes(text)) {
          throw new Error(`it ended without "${text}": ${printed.stderr}`);
        }
      }
    },
    signal: (signal) => void child.kill(signal),
    ended,
  };
}

/** Nothing we started outlives the tests. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A sandbox in a folder of its own, run by processes of the program one after another. */
export interface TestSandbox {
  readonly home: string;
  readonly url: string;
  readonly port: number;
  readonly env: Record<string, string>;
  readonly registry: PanRegistry;
  readonly send: Send;
  start(): Promise<Program>;
  credentials(): SandboxCredentials;
  /** A client of the caller of this name. It has to be made anew after 15 minutes. */
  caller(name: 'issuer' | 'channel'): IssuerClient;
  merchant(): MerchantClient;
}

/**
 * When the file or test that asked for it ends, everything its processes wrote is scanned for every
 * card number that it was sent, sent or keeps.
 */
export async function makeTestSandbox(): Promise<TestSandbox> {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-test-'));
  const home = join(folder, 'sandbox');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const registry = makePanRegistry();
  const programs: Program[] = [];
  const fetch = fetching(url, registry);
  const send: Send = async (request) => {
    try {
      return await fetch(request);
    } catch (error) {
      throw new Error(`no answer: ${await conditionOf(programs.at(-1))}`, { cause: error });
    }
  };
  const env = { PANTOKEN_HOME: home, PANTOKEN_PORT: String(port) };
  const credentials = (): SandboxCredentials =>
    JSON.parse(readFileSync(join(home, 'credentials.json'), 'utf8'));

  after(async () => {
    for (const program of programs) program.signal('SIGKILL');
    await Promise.all(programs.map(({ ended }) => ended));
    if (existsSync(home)) {
      for (const { pan } of credentials().scenarios) registry.add(pan);
      demandNoPanIn(home, registry); // As it was left, with its write-ahead log.
      await addKeptNumbers(home, registry);
      demandNoPanIn(home, registry);
    }
    for (const { stdout, stderr } of programs) {
      registry.demandAbsent('what was printed', Buffer.from(stdout() + stderr()));
    }
    rmSync(folder, { recursive: true });
  });

  return {
    home,
    url,
    port,
    env,
    registry,
    send,
    async start() {
      const program = startProgram(['sandbox'], env);
      programs.push(program);
      await program.untilPrinted('Ctrl-C stops it.');
      return program;
    },
    credentials,
    caller(name) {
      const found = credentials().callers.find((each) => each.name === name);
      assert(found);
      return makeIssuerClient(send, found);
    },
    merchant() {
      const { merchant, servicePublicKeyPem } = credentials();
      return makeMerchantClient(send, registry, { ...merchant, servicePublicKeyPem });
    },
  };
}

/** Why a server may not answer. */
async function conditionOf(program: Program | undefined): Promise<string> {
  if (program === undefined) return 'no server was started';
  const ending = await Promise.race([program.ended, undefined]);
  if (ending === undefined) return 'the server runs';
  return `the server ended, code ${ending.code}, signal ${ending.signal}: ${ending.stderr}`;
}

/** A port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address !== null);
  server.close();
  await once(server, 'close');
  return address.port;
}
