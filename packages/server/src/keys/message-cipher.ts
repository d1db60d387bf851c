import { createPublicKey, type KeyObject } from 'node:crypto';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Refusal } from '../domain/error.ts';
import type { Merchant, MessageAlgorithm } from '../domain/merchant.ts';
import type { MessageCipher } from '../usecase/message-cipher.ts';
import type { Clock } from '../usecase/ports.ts';
import { makeLimitRefusals } from '../usecase/request-rate.ts';
import { makeFairQueue } from './fair-queue.ts';
import { encryptTo, roomOf } from './message-forms.ts';
import type { KeySeries } from './service-keys.ts';

/** NIST SP 800-131A: fewer bits are no longer good. */
const MERCHANT_KEY_BITS_MIN = 2048;

/**
 * An RSA-4096 private operation takes some 2 ms, so that the last one in of a merchant that is alone
 * waits some 150 ms. Waiting is what slows down who sends the next request when the last is answered;
 * refusing at once would make a busier flood of it.
 */
const WAITING_MAX_EACH = 64;
const WAITING_MAX = 512;

/** One works, and the next one lies ready: the worker never waits for this thread. */
const RUNNING_MAX = 2;

/** A message cipher and the end of its worker. */
export interface OwnedMessageCipher extends MessageCipher {
  close(): Promise<void>;
}

/**
 * Messages in the form each merchant registered for. Private-key operations run in a worker, since 2 ms
 * each would stop every other request, and merchants take turns at it: the flood of one is its own.
 *
 * While merchants go over from one key of the service to the next, a message is decrypted with each of
 * them, always: how long it takes tells nobody which it was for.
 *
 * @param keys RSA, 2048 bits or more, private.
 */
export function makeMessageCipher(keys: KeySeries, clock: Clock): OwnedMessageCipher {
  const decryptor = startDecryptor();
  const refusals = makeLimitRefusals(clock);
  const queue = makeFairQueue({
    run: decryptor.decrypt,
    ...{ runningMax: RUNNING_MAX, waitingMaxEach: WAITING_MAX_EACH, waitingMax: WAITING_MAX },
    refuseShare: (who) => refusals.refuse(who, 'QUOTA_EXCEEDED', { quota: 'decryptions' }, 1),
    refuseAll: () => new Refusal('TOO_BUSY'),
  });
  const keyOfMerchant = new WeakMap<Merchant, KeyObject>();
  const pairs = new WeakMap<KeyObject, PrivateKey>();

  function pairOf(key: KeyObject): PrivateKey {
    const known = pairs.get(key);
    if (known !== undefined) return known;
    const { n = '' } = createPublicKey(publicPemOf(key)).export({ format: 'jwk' });
    const pair = { key, modulus: Buffer.from(n, 'base64url') };
    pairs.set(key, pair);
    return pair;
  }

  return {
    async encryptFor(merchant, text) {
      const key = keyOfMerchant.get(merchant) ?? createPublicKey(merchant.publicKeyPem);
      keyOfMerchant.set(merchant, key);
      return encryptTo(key, merchant.algorithm, text);
    },

    async decrypt(encrypted, { id, algorithm }) {
      const job = { keys: keys.living().map(pairOf), encrypted, algorithm };
      const texts = await queue.submit(`merchant:${id}`, job);
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

/** Of the service, with its modulus as big-endian bytes. */
export interface PrivateKey {
  readonly key: KeyObject;
  readonly modulus: Uint8Array;
}

interface DecryptJob {
  readonly keys: readonly PrivateKey[];
  readonly encrypted: string;
  readonly algorithm: MessageAlgorithm;
}

/** What each of the keys makes of a message. */
type Texts = readonly (Uint8Array | undefined)[];

interface Decryptor {
  decrypt(job: DecryptJob): Promise<Texts>;
  close(): Promise<void>;
}

function startDecryptor(): Decryptor {
  const path = `./message-decryptor${extname(import.meta.filename)}`;
  const worker = new Worker(new URL(path, import.meta.url));
  const waiting = new Map<number, PromiseWithResolvers<Texts>>();
  let lastId = 0;
  let hasEnded = false;
  worker.on('message', ({ id, texts }: { id: number; texts: Texts }) => {
    waiting.get(id)?.resolve(texts);
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
    decrypt(job) {
      if (hasEnded) return Promise.reject(new Refusal('TOO_BUSY'));
      lastId++;
      const id = lastId;
      worker.ref();
      const answer = Promise.withResolvers<Texts>();
      waiting.set(id, answer);
      worker.postMessage({ id, ...job });
      return answer.promise;
    },
    async close() {
      await worker.terminate();
    },
  };
}
