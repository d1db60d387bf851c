/**
 * The worker that holds the private key of encrypted requests. One is best on two cores: two of them
 * decrypt no more and disturb the event loop more (measured 433/s with one, 395/s with two).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { createPublicKey, type KeyObject, privateDecrypt } from 'node:crypto';
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
    return openJwe(encrypted, (block) => decryptBlock(block, 'rsa-oaep-256'));
  }
  const bytes = Buffer.from(encrypted, 'base64');
  return decryptBlock(bytes, algorithm);
}

/** Undone in the place of what cannot be undone. */
const FILLER = Buffer.alloc(blockBytes, 1);

/** Big-endian, as long as a block. */
const { n: MODULUS = '' } = createPublicKey(
  privateKey.export({ type: 'pkcs1', format: 'pem' }),
).export({ format: 'jwk' });
const modulus = Buffer.from(MODULUS, 'base64url');

/** OpenSSL refuses another length, and a number above the modulus, at once: none may be faster. */
function decryptBlock(
  bytes: Uint8Array,
  algorithm: keyof typeof RSA_OPTIONS,
): Uint8Array | undefined {
  if (bytes.length === blockBytes && modulus.compare(bytes) > 0) return undo(bytes, algorithm);
  undo(FILLER, algorithm);
  return undefined;
}

/**
 * With implicit rejection (OpenSSL 3.2) a message that was tampered with gives pseudo-random bytes,
 * the same each time, and no error that could be told from success.
 */
function undo(bytes: Uint8Array, algorithm: keyof typeof RSA_OPTIONS): Uint8Array | undefined {
  try {
    return privateDecrypt({ key: privateKey, ...RSA_OPTIONS[algorithm] }, bytes);
  } catch {
    return undefined; // A padding that OAEP does not take.
  }
}
