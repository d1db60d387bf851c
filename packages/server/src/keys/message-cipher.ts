import { constants, createPublicKey, type KeyObject, publicEncrypt } from 'node:crypto';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Refusal } from '../domain/error.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { MessageCipher } from '../usecase/ports.ts';

/** RFC 8017, 7.2.1: PKCS #1 v1.5 takes 11 bytes of a block. */
const V15_OVERHEAD_BYTES = 11;

/**
 * How many messages wait for the one worker before more are refused. An RSA-4096 private operation
 * takes some 2 ms, so the last one in waits a quarter of a second.
 */
const WAITING_MAX = 100;

/** A message cipher and the end of its worker. */
export interface OwnedMessageCipher extends MessageCipher {
  close(): Promise<void>;
}

/**
 * RSA PKCS #1 v1.5 messages. Private-key operations run in a worker: there is no asynchronous form
 * of them, and 2 ms each would stop every other request.
 *
 * @param privateKey RSA, 2048 bits or more.
 */
export function makeMessageCipher(privateKey: KeyObject): OwnedMessageCipher {
  const publicKey = createPublicKey(privateKey.export({ type: 'pkcs1', format: 'pem' }));
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' });
  const blockBytes = (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const decryptor = startDecryptor(privateKey);
  const keyOfMerchant = new WeakMap<Merchant, KeyObject>();

  return {
    encryptFor(merchant, text) {
      const key = keyOfMerchant.get(merchant) ?? createPublicKey(merchant.publicKeyPem);
      keyOfMerchant.set(merchant, key);
      const bytes = Buffer.from(text, 'utf8');
      const room = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8 - V15_OVERHEAD_BYTES;
      if (bytes.length > room) throw new Refusal('ANSWER_TOO_LONG', { bytes: bytes.length, room });
      return publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, bytes).toString('base64');
    },

    async decrypt(encrypted) {
      const bytes = Buffer.from(encrypted, 'base64');
      // Another length makes OpenSSL throw at once; it must look like every other failure.
      if (bytes.length !== blockBytes) throw new Refusal('ENCDATA_UNREADABLE');
      const text = await decryptor.decrypt(bytes);
      if (text === undefined) throw new Refusal('ENCDATA_UNREADABLE');
      return text;
    },

    publicKeyPem: () => String(publicKeyPem),

    close: () => decryptor.close(),
  };
}

interface Decryptor {
  decrypt(bytes: Uint8Array): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

function startDecryptor(privateKey: KeyObject): Decryptor {
  const path = `./message-decryptor${extname(import.meta.filename)}`;
  const worker = new Worker(new URL(path, import.meta.url), { workerData: { privateKey } });
  const waiting = new Map<number, PromiseWithResolvers<Uint8Array | undefined>>();
  let lastId = 0;
  let hasEnded = false;
  worker.on('message', ({ id, text }: { id: number; text: Uint8Array | undefined }) => {
    waiting.get(id)?.resolve(text);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
  });
  worker.on('error', () => undefined); // What follows is `exit`.
  worker.on('exit', () => {
    hasEnded = true;
    for (const { reject } of waiting.values()) reject(new Refusal('TOO_BUSY'));
    waiting.clear();
  });
  worker.unref(); // Last: a listener for messages holds the process.
  return {
    decrypt(bytes) {
      if (hasEnded || waiting.size >= WAITING_MAX) return Promise.reject(new Refusal('TOO_BUSY'));
      lastId++;
      const id = lastId;
      worker.ref();
      const answer = Promise.withResolvers<Uint8Array | undefined>();
      waiting.set(id, answer);
      worker.postMessage({ id, bytes });
      return answer.promise;
    },
    async close() {
      await worker.terminate();
    },
  };
}
