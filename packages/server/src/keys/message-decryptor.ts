/**
 * The worker that decrypts encrypted requests. One is best on two cores: two of them
 * decrypt no more and disturb the event loop more (measured 433/s with one, 395/s with two).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type KeyObject, privateDecrypt } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type { BlockAlgorithm } from './message-cipher.ts';
import { RSA_OPTIONS } from './message-forms.ts';

interface Message {
  readonly id: number;
  readonly key: KeyObject;
  readonly bytes: Uint8Array;
  readonly algorithm: BlockAlgorithm;
}

assert(parentPort, 'this file runs as a worker');
const port = parentPort;

port.on('message', ({ id, key, bytes, algorithm }: Message) => {
  port.postMessage({ id, text: decrypt(key, bytes, algorithm) });
});

/**
 * With implicit rejection (OpenSSL 3.2) a message that was tampered with gives pseudo-random bytes,
 * the same each time, and no error that could be told from success.
 */
function decrypt(
  key: KeyObject,
  bytes: Uint8Array,
  algorithm: BlockAlgorithm,
): Uint8Array | undefined {
  try {
    return privateDecrypt({ key, ...RSA_OPTIONS[algorithm] }, bytes);
  } catch {
    return undefined; // A number above the modulus, or a padding that OAEP does not take.
  }
}
