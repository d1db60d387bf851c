import { createPublicKey, type KeyObject } from 'node:crypto';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { compactDecrypt } from 'jose';
import { Refusal } from '../domain/error.ts';
import type { Merchant, MessageAlgorithm } from '../domain/merchant.ts';
import type { MessageCipher } from '../usecase/message-cipher.ts';
import { encryptTo, roomOf } from './message-forms.ts';

/** Those whose message is one block. */
export type BlockAlgorithm = Exclude<MessageAlgorithm, 'jwe'>;

/** NIST SP 800-131A: fewer bits are no longer good. */
const MERCHANT_KEY_BITS_MIN = 2048;

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
 * Messages in the form each merchant registered for. Private-key operations on blocks run in a worker:
 * there is no asynchronous form of them, and 2 ms each would stop every other request.
 *
 * @param privateKey RSA, 2048 bits or more.
 */
export function makeMessageCipher(privateKey: KeyObject): OwnedMessageCipher {
  const publicKey = createPublicKey(privateKey.export({ type: 'pkcs1', format: 'pem' }));
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' });
  const blockBytes = (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const decryptor = startDecryptor(privateKey);
  const keyOfMerchant = new WeakMap<Merchant, KeyObject>();

  async function decryptBlock(bytes: Uint8Array, algorithm: BlockAlgorithm) {
    // Another length makes OpenSSL throw at once; it must look like every other failure.
    return bytes.length === blockBytes ? decryptor.decrypt(bytes, algorithm) : undefined;
  }

  return {
    async encryptFor(merchant, text) {
      const key = keyOfMerchant.get(merchant) ?? createPublicKey(merchant.publicKeyPem);
      keyOfMerchant.set(merchant, key);
      return encryptTo(key, merchant.algorithm, text);
    },

    async decrypt(encrypted, algorithm) {
      const text =
        algorithm === 'jwe'
          ? await decryptJwe(privateKey, encrypted)
          : await decryptBlock(Buffer.from(encrypted, 'base64'), algorithm);
      if (text === undefined) throw new Refusal('ENCDATA_UNREADABLE');
      return text;
    },

    roomFor(pem, algorithm) {
      const bits = modulusBitsOf(pem);
      return bits < MERCHANT_KEY_BITS_MIN ? undefined : roomOf(algorithm, bits);
    },

    publicKeyPem: () => String(publicKeyPem),

    close: () => decryptor.close(),
  };
}

/** 0 when it is no RSA key. */
function modulusBitsOf(pem: string): number {
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'rsa' ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : 0;
  } catch {
    return 0;
  }
}

/** The pool of threads is the whole process's, and so is the limit. */
let jweUnderWay = 0;

/** The private operation is on a thread of the pool: WebCrypto has an asynchronous form of it. */
async function decryptJwe(key: KeyObject, encrypted: string): Promise<Uint8Array | undefined> {
  if (jweUnderWay >= WAITING_MAX) throw new Refusal('TOO_BUSY');
  jweUnderWay++;
  try {
    const { plaintext } = await compactDecrypt(encrypted, key, {
      keyManagementAlgorithms: ['RSA-OAEP-256'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    return plaintext;
  } catch {
    return undefined;
  } finally {
    jweUnderWay--;
  }
}

interface Decryptor {
  decrypt(bytes: Uint8Array, algorithm: BlockAlgorithm): Promise<Uint8Array | undefined>;
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
    decrypt(bytes, algorithm) {
      if (hasEnded || waiting.size >= WAITING_MAX) return Promise.reject(new Refusal('TOO_BUSY'));
      lastId++;
      const id = lastId;
      worker.ref();
      const answer = Promise.withResolvers<Uint8Array | undefined>();
      waiting.set(id, answer);
      worker.postMessage({ id, bytes, algorithm });
      return answer.promise;
    },
    async close() {
      await worker.terminate();
    },
  };
}
