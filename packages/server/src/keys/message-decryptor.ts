/**
 * The worker that holds the private key of encrypted requests. One is best on two cores: two of them
 * decrypt no more and disturb the event loop more (measured 433/s with one, 395/s with two).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { constants, type KeyObject, privateDecrypt } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

const { privateKey } = workerData as { privateKey: KeyObject };
assert(parentPort, 'this file runs as a worker');
const port = parentPort;

port.on('message', ({ id, bytes }: { id: number; bytes: Uint8Array }) => {
  port.postMessage({ id, text: decrypt(bytes) });
});

/**
 * With implicit rejection (OpenSSL 3.2) a message that was tampered with gives pseudo-random bytes,
 * the same each time, and no error that could be told from success.
 */
function decrypt(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, bytes);
  } catch {
    return undefined; // A number above the modulus.
  }
}
