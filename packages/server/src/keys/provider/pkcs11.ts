import { randomBytes } from 'node:crypto';
import { extname, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  type Kek,
  type KekProvider,
  type KekSettings,
  KeyProviderError,
  textOption,
  timeoutOption,
} from '../kek.ts';
import { readPrivateFile } from '../private-file.ts';
import { encodeAttributes } from '../seal.ts';
import type { Pkcs11Answer, Pkcs11Question, Pkcs11Setup } from './pkcs11-worker.ts';

const IV_BYTES = 12;

/**
 * The key-encryption key in a hardware security module, by PKCS #11: an AES-256 key that cannot be
 * extracted, used with CKM_AES_GCM inside the token. The binding is the optional package pkcs11js.
 */
export const pkcs11Provider: KekProvider = {
  optionNames: ['module', 'tokenLabel', 'keyLabel', 'pinFile', 'timeoutMs?'],
  async open(settings, folder) {
    let session = await openSession(settings, folder, 'use');
    let pinRefusal: Error | undefined;

    /** A session that broke is opened once more: a token may have been restarted. */
    async function ask(question: Pkcs11Question): Promise<Buffer | undefined> {
      if (pinRefusal !== undefined) throw pinRefusal;
      if (session.isBroken()) session = await openAgain();
      return session.ask(question);
    }

    /** A token locks itself after a few wrong PINs: one is enough for us. */
    async function openAgain(): Promise<Session> {
      try {
        return await openSession(settings, folder, 'use');
      } catch (error) {
        if (error instanceof Error && error.message.includes('CKR_PIN')) pinRefusal = error;
        throw error;
      }
    }

    const kek: Kek = {
      async wrap(attributes, bytes) {
        const iv = randomBytes(IV_BYTES);
        const aad = encodeAttributes(attributes);
        const sealed = await ask({ kind: 'encrypt', iv, aad, data: bytes });
        if (sealed === undefined) throw new KeyProviderError('the token did not encrypt');
        return Buffer.concat([iv, sealed]);
      },
      unwrap(attributes, wrapped) {
        const iv = wrapped.subarray(0, IV_BYTES);
        const data = wrapped.subarray(IV_BYTES);
        return ask({ kind: 'decrypt', iv, aad: encodeAttributes(attributes), data });
      },
      async check() {
        const probe = randomBytes(32);
        const opened = await kek.unwrap(['probe'], await kek.wrap(['probe'], probe));
        if (opened?.equals(probe)) return;
        throw new KeyProviderError(`key-encryption key ${settings.id}: the token fails its probe`);
      },
      close: () => session.close(),
    };
    return kek;
  },
  async create(settings, folder) {
    const session = await openSession(settings, folder, 'create');
    await session.close();
  },
};

interface Session {
  ask(question: Pkcs11Question): Promise<Buffer | undefined>;
  isBroken(): boolean;
  close(): Promise<void>;
}

/**
 * PKCS #11 calls block their thread until the hardware answers, so that they run in a thread of
 * their own. One question is under way at a time.
 */
async function openSession(
  settings: KekSettings,
  folder: string,
  purpose: Pkcs11Setup['purpose'],
): Promise<Session> {
  const timeoutMs = timeoutOption(settings);
  const worker = startWorker(setupOf(settings, folder, purpose));
  let broken = false;
  let before: Promise<unknown> = Promise.resolve();

  async function exchange(question: Pkcs11Question | undefined): Promise<Buffer | undefined> {
    const answer = await nextAnswer(worker, question, timeoutMs);
    if ('opened' in answer) return answer.opened && Buffer.from(answer.opened);
    broken = true;
    void worker.terminate();
    throw new KeyProviderError(`key-encryption key ${settings.id}: ${answer.failure}`);
  }

  await exchange(undefined);
  return {
    isBroken: () => broken,
    ask(question) {
      const answer = before.then(() => exchange(question));
      before = answer.catch(() => undefined);
      return answer;
    },
    async close() {
      await before;
      await worker.terminate();
    },
  };
}

function setupOf(
  settings: KekSettings,
  folder: string,
  purpose: Pkcs11Setup['purpose'],
): Pkcs11Setup {
  const pinPath = resolve(folder, textOption(settings, 'pinFile'));
  let pin: string;
  try {
    pin = readPrivateFile(pinPath).trimEnd();
  } catch (error) {
    throw new KeyProviderError(error instanceof Error ? error.message : 'no PIN file');
  }
  return {
    module: textOption(settings, 'module'),
    tokenLabel: textOption(settings, 'tokenLabel'),
    keyLabel: textOption(settings, 'keyLabel'),
    pin,
    purpose,
  };
}

function startWorker(setup: Pkcs11Setup): Worker {
  const file = `./pkcs11-worker${extname(import.meta.filename)}`;
  const worker = new Worker(new URL(file, import.meta.url), { workerData: setup });
  worker.unref();
  return worker;
}

/** @param question undefined: the worker tells by itself whether it could open the key. */
function nextAnswer(
  worker: Worker,
  question: Pkcs11Question | undefined,
  timeoutMs: number,
): Promise<Pkcs11Answer> {
  return new Promise((resolve) => {
    const fail = (error: Error) => settle({ failure: error.message });
    const end = () => settle({ failure: 'the thread of the token ended' });
    const timer = setTimeout(() => settle({ failure: 'the token took too long' }), timeoutMs);
    function settle(answer: Pkcs11Answer): void {
      clearTimeout(timer);
      worker.off('message', settle).off('error', fail).off('exit', end).unref();
      resolve(answer);
    }
    worker.on('message', settle).on('error', fail).on('exit', end).ref();
    if (question !== undefined) worker.postMessage(question);
  });
}
