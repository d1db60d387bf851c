import { createPublicKey, type KeyObject } from 'node:crypto';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { compactDecrypt } from 'jose';
import { Refusal } from '../domain/error.ts';
import type { Merchant, MessageAlgorithm } from '../domain/merchant.ts';
import type { MessageCipher } from '../usecase/message-cipher.ts';
import { encryptTo, roomOf } from './message-forms.ts';
import type { KeySeries } from './service-keys.ts';

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
 * While merchants go over from one key of the service to the next, a message is decrypted with each of
 * them, always: how long it takes tells nobody which it was for.
 *
 * @param keys RSA, 2048 bits or more, private.
 */
export function makeMessageCipher(keys: KeySeries): OwnedMessageCipher {
  const decryptor = startDecryptor();
  const keyOfMerchant = new WeakMap<Merchant, KeyObject>();

  async function decryptBlock(key: KeyObject, bytes: Uint8Array, algorithm: BlockAlgorithm) {
    const blockBytes = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
    // Another length makes OpenSSL throw at once; it must look like every other failure.
    return bytes.length === blockBytes ? decryptor.decrypt(key, bytes, algorithm) : undefined;
  }

  function decryptWith(key: KeyObject, encrypted: string, algorithm: MessageAlgorithm) {
    if (algorithm === 'jwe') return decryptJwe(key, encrypted);
    return decryptBlock(key, Buffer.from(encrypted, 'base64'), algorithm);
  }

  return {
    async encryptFor(merchant, text) {
      const key = keyOfMerchant.get(merchant) ?? createPublicKey(merchant.publicKeyPem);
      keyOfMerchant.set(merchant, key);
      return encryptTo(key, merchant.algorithm, text);
    },

    async decrypt(encrypted, algorithm) {
      const texts = await Promise.all(
        keys.living().map((key) => decryptWith(key, encrypted, algorithm)),
      );
      const text = texts.find(isMessage) ?? texts[0];
      if (text === undefined) throw new Refusal('ENCDATA_UNREADABLE');
      return text;
    },

    roomFor(pem, algorithm) {
      const bits = modulusBitsOf(pem);
      return bits < MERCHANT_KEY_BITS_MIN ? undefined : roomOf(algorithm, bits);
    },

    publicKeyPem: () => publicPemOf(keys.active()),

    close: () => decryptor.close(),
  };
}

/** The wrong key gives bytes, too, where the padding is that of PKCS #1 v1.5: all messages are JSON. */
function isMessage(text: Uint8Array | undefined): boolean {
  if (text === undefined) return false;
  try {
    const value: unknown = JSON.parse(Buffer.from(text).toString('utf8'));
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

function publicPemOf(key: KeyObject): string {
  const publicKey = createPublicKey(key.export({ type: 'pkcs1', format: 'pem' }));
  return String(publicKey.export({ type: 'spki', format: 'pem' }));
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
  decrypt(
    key: KeyObject,
    bytes: Uint8Array,
    algorithm: BlockAlgorithm,
  ): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

function startDecryptor(): Decryptor {
  const path = `./message-decryptor${extname(import.meta.filename)}`;
  const worker = new Worker(new URL(path, import.meta.url));
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
    decrypt(key, bytes, algorithm) {
      if (hasEnded || waiting.size >= WAITING_MAX) return Promise.reject(new Refusal('TOO_BUSY'));
      lastId++;
      const id = lastId;
      worker.ref();
      const answer = Promise.withResolvers<Uint8Array | undefined>();
      waiting.set(id, answer);
      worker.postMessage({ id, key, bytes, algorithm });
      return answer.promise;
    },
    async close() {
      await worker.terminate();
    },
  };
}
