/**
 * The worker that opens encrypted requests. One is best on two cores: two of them decrypt no more and
 * disturb the event loop more (measured 433/s with one, 395/s with two).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { privateDecrypt } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { MessageAlgorithm } from '../domain/merchant.ts';
import type { PrivateKey } from './message-cipher.ts';
import { RSA_OPTIONS } from './message-forms.ts';
import { openJwe } from './open-jwe.ts';

interface Message {
  readonly id: number;
  readonly keys: readonly PrivateKey[];
  readonly encrypted: string;
  readonly algorithm: MessageAlgorithm;
}

assert(parentPort, 'this file runs as a worker');
const port = parentPort;

giveWay();

port.on('message', ({ id, keys, encrypted, algorithm }: Message) => {
  port.postMessage({ id, texts: keys.map((key) => decrypt(key, encrypted, algorithm)) });
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

function decrypt(
  key: PrivateKey,
  encrypted: string,
  algorithm: MessageAlgorithm,
): Uint8Array | undefined {
  if (algorithm === 'jwe') {
    return openJwe(encrypted, (block) => decryptBlock(key, block, 'rsa-oaep-256'));
  }
  return decryptBlock(key, Buffer.from(encrypted, 'base64'), algorithm);
}

/** OpenSSL refuses another length, and a number above the modulus, at once: none may be faster. */
function decryptBlock(
  key: PrivateKey,
  bytes: Uint8Array,
  algorithm: keyof typeof RSA_OPTIONS,
): Uint8Array | undefined {
  const { length } = key.modulus;
  const isBelow = bytes.length === length && Buffer.compare(bytes, key.modulus) < 0;
  if (isBelow) return undo(key, bytes, algorithm);
  undo(key, Buffer.alloc(length, 1), algorithm); // Some block, in the place of it.
  return undefined;
}

/**
 * With implicit rejection (OpenSSL 3.2) a message that was tampered with gives pseudo-random bytes,
 * the same each time, and no error that could be told from success.
 */
function undo(
  { key }: PrivateKey,
  bytes: Uint8Array,
  algorithm: keyof typeof RSA_OPTIONS,
): Uint8Array | undefined {
  try {
    return privateDecrypt({ key, ...RSA_OPTIONS[algorithm] }, bytes);
  } catch {
    return undefined; // A padding that OAEP does not take.
  }
}
