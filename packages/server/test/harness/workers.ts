import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StorePlace } from '../../src/store/place.ts';
import type { Send } from './send.ts';
import { type Ending, startProgram } from './server.ts';

/** `serve --workers 2` of a service that is there, until it is stopped. */
export interface Workers {
  readonly url: string;
  /** The process ids of those that live at this moment. */
  pids(): readonly number[];
  /** SIGKILL to one of them, and until another one has taken its place. */
  replaceOne(): Promise<void>;
  stop(): Promise<Ending>;
}

/** @param database undefined: SQLite in the folder. */
export async function startWorkers(
  home: string,
  port: number,
  database: StorePlace | undefined,
): Promise<Workers> {
  const url = `http://127.0.0.1:${port}`;
  const env = database?.engine === 'postgres' ? { PANTOKEN_DATABASE_URL: database.url } : {};
  const args = ['serve', '--home', home, '--port', String(port), '--workers', '2'];
  const program = startProgram(args, env);
  const pids = () =>
    readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .map(Number);
  await until(() => isAnswering(url), 'the workers do not listen');
  return {
    url,
    pids,
    async replaceOne() {
      const [victim] = pids();
      assert(victim);
      process.kill(victim, 'SIGKILL');
      const isReplaced = () => pids().length === 2 && !pids().includes(victim);
      await until(async () => isReplaced(), 'nobody takes the place of the one that was killed');
    },
    stop() {
      program.signal('SIGTERM');
      return program.ended;
    },
  };
}

/** One connection that is kept, and with it one of the workers: the others never see its requests. */
export interface Connection {
  readonly send: Send;
  close(): void;
}

export function connectTo(url: string): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    send: ({ method, path, headers, body }) =>
      new Promise((resolve, reject) => {
        const options = { method, agent, headers: { ...headers } as OutgoingHttpHeaders };
        const sent = httpRequest(url + path, options, async (reply) => {
          try {
            const parts: Buffer[] = [];
            for await (const part of reply) parts.push(part);
            const text = Buffer.concat(parts).toString('utf8');
            resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text });
          } catch (error) {
            reject(error);
          }
        });
        sent.on('error', reject);
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}

/** A minute and more: what is waited for is there long before, or never. */
export async function until(isSo: () => Promise<boolean>, otherwise: string): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (await isSo()) return;
    await sleep(50);
  }
  assert.fail(otherwise);
}

async function isAnswering(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return true;
  } catch {
    return false;
  }
}
