/**
 * The worker that holds the private key of encrypted requests. One is best on two cores: two of them
 * decrypt no more and disturb the event loop more (measured 433/s with one, 395/s with two).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type KeyObject, privateDecrypt } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { MessageAlgorithm } from '../domain/merchant.ts';
import { RSA_OPTIONS } from './message-forms.ts';
import { openJwe } from './open-jwe.ts';

interface Message {
  readonly id: number;
  readonly encrypted: string;
  readonly algorithm: MessageAlgorithm;
}

const { privateKey, blockBytes } = workerData as { privateKey: KeyObject; blockBytes: number };
assert(parentPort, 'this file runs as a worker');
const port = parentPort;

giveWay();

port.on('message', ({ id, encrypted, algorithm }: Message) => {
  port.postMessage({ id, text: decrypt(encrypted, algorithm) });
});

/** Weaker than the threads that everybody waits for, and strong enough to get a share of a full machine. */
const NICE = 10;

/** Where the cores are too few for all, the thread that answers everybody goes first. */
function giveWay(): void {
  try {
    // Linux keeps a priority for each thread.
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), NICE);
  } catch {
    // Elsewhere it runs as the others do.
  }
}

function decrypt(encrypted: string, algorithm: MessageAlgorithm): Uint8Array | undefined {
  if (algorithm === 'jwe') {
    return openJwe(encrypted, blockBytes, (block) => decryptBlock(block, 'rsa-oaep-256'));
  }
  const bytes = Buffer.from(encrypted, 'base64');
  if (bytes.length === blockBytes) return decryptBlock(bytes, algorithm);
  // OpenSSL refuses another length at once: it must take as long as every other failure.
  decryptBlock(Buffer.alloc(blockBytes, 1), algorithm);
  return undefined;
}

/**
 * With implicit rejection (OpenSSL 3.2) a message that was tampered with gives pseudo-random bytes,
 * the same each time, and no error that could be told from success.
 */
function decryptBlock(
  bytes: Uint8Array,
  algorithm: keyof typeof RSA_OPTIONS,
): Uint8Array | undefined {
  try {
    return privateDecrypt({ key: privateKey, ...RSA_OPTIONS[algorithm] }, bytes);
  } catch {
    return undefined; // A number above the modulus, or a padding that OAEP does not take.
  }
}
