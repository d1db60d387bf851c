/**
 * The thread that speaks PKCS #11 to a token: opens a session, finds the key-encryption key, checks
 * that it cannot be extracted, and answers questions with it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { parentPort, workerData } from 'node:worker_threads';

export interface Pkcs11Setup {
  /** Path of the module of the token's maker. */
  readonly module: string;
  readonly tokenLabel: string;
  readonly keyLabel: string;
  readonly pin: string;
  /** `create` makes the key when there is none of this label. */
  readonly purpose: 'use' | 'create';
}

export interface Pkcs11Question {
  readonly kind: 'encrypt' | 'decrypt';
  readonly iv: Uint8Array;
  readonly aad: Uint8Array;
  readonly data: Uint8Array;
}

/** `opened: undefined`: it does not open with this key and these attributes. */
export type Pkcs11Answer =
  | { readonly opened: Uint8Array | undefined }
  | { readonly failure: string };

type Handle = Buffer;
type Template = { type: number; value?: Buffer | number | boolean | string }[];

/** What is used of pkcs11js. It is optional: its own types may not be there. */
interface Token {
  load(path: string): void;
  C_Initialize(options: { flags: number }): void;
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): { label: string };
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_Login(session: Handle, user: number, pin: string): void;
  C_FindObjectsInit(session: Handle, template: Template): void;
  C_FindObjects(session: Handle, limit: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(session: Handle, key: Handle, template: Template): { value: Buffer }[];
  C_GenerateKey(session: Handle, mechanism: object, template: Template): Handle;
  C_EncryptInit(session: Handle, mechanism: object, key: Handle): void;
  C_Encrypt(session: Handle, data: Buffer, out: Buffer): Buffer;
  C_DecryptInit(session: Handle, mechanism: object, key: Handle): void;
  C_Decrypt(session: Handle, data: Buffer, out: Buffer): Buffer;
}

type Pkcs11 = { PKCS11: new () => Token } & Readonly<Record<string, number>>;

const TAG_BYTES = 16;

/** PKCS #11 v3.0, 6.1, and what SoftHSM answers to a tag that does not fit. */
const DOES_NOT_OPEN = ['CKR_ENCRYPTED_DATA_INVALID', 'CKR_AEAD_DECRYPT_FAILED'];
const ALSO_OF_SOFTHSM = ['CKR_GENERAL_ERROR', 'CKR_ENCRYPTED_DATA_LEN_RANGE'];

assert(parentPort, 'this file runs as a worker');
const port = parentPort;
const setup = workerData as Pkcs11Setup;

try {
  const answer = openKey(await loadBinding(), setup);
  port.on('message', (question: Pkcs11Question) => port.postMessage(answer(question)));
  port.postMessage({ opened: new Uint8Array() } satisfies Pkcs11Answer);
} catch (error) {
  port.postMessage({ failure: messageOf(error) } satisfies Pkcs11Answer);
}

async function loadBinding(): Promise<Pkcs11> {
  const name: string = 'pkcs11js';
  try {
    const { default: binding } = await import(name);
    return binding;
  } catch {
    throw new Error(
      'the optional package pkcs11js is not there: install it (npm install pkcs11js; it needs a C++ compiler)',
    );
  }
}

function openKey(p: Pkcs11, given: Pkcs11Setup): (question: Pkcs11Question) => Pkcs11Answer {
  const token = new p.PKCS11();
  token.load(given.module);
  ignoring('CKR_CRYPTOKI_ALREADY_INITIALIZED', () =>
    token.C_Initialize({ flags: p.CKF_OS_LOCKING_OK ?? 0 }),
  );
  const slot = token
    .C_GetSlotList(true)
    .find((each) => token.C_GetTokenInfo(each).label.trimEnd() === given.tokenLabel);
  if (slot === undefined) throw new Error(`no token is labelled ${given.tokenLabel}`);
  const flags = (p.CKF_SERIAL_SESSION ?? 0) | (p.CKF_RW_SESSION ?? 0);
  const session = token.C_OpenSession(slot, flags);
  ignoring('CKR_USER_ALREADY_LOGGED_IN', () => token.C_Login(session, p.CKU_USER ?? 1, given.pin));
  const key = findKey(p, token, session, given) ?? makeKey(p, token, session, given);
  demandSafe(p, token, session, key);
  return (question) => answerWith(p, token, session, key, question);
}

function findKey(
  p: Pkcs11,
  token: Token,
  session: Handle,
  { keyLabel }: Pkcs11Setup,
): Handle | undefined {
  token.C_FindObjectsInit(session, [
    { type: p.CKA_CLASS ?? 0, value: p.CKO_SECRET_KEY ?? 0 },
    { type: p.CKA_LABEL ?? 0, value: keyLabel },
  ]);
  const [key, ...more] = token.C_FindObjects(session, 2);
  token.C_FindObjectsFinal(session);
  if (more.length > 0) throw new Error(`two keys are labelled ${keyLabel}`);
  return key;
}

function makeKey(p: Pkcs11, token: Token, session: Handle, given: Pkcs11Setup): Handle {
  if (given.purpose !== 'create') throw new Error(`no key is labelled ${given.keyLabel}`);
  const attribute = (name: string, value: number | boolean | string) => {
    return { type: p[name] ?? 0, value };
  };
  return token.C_GenerateKey(session, { mechanism: p.CKM_AES_KEY_GEN, parameter: null }, [
    attribute('CKA_CLASS', p.CKO_SECRET_KEY ?? 0),
    attribute('CKA_KEY_TYPE', p.CKK_AES ?? 0),
    attribute('CKA_LABEL', given.keyLabel),
    attribute('CKA_TOKEN', true),
    attribute('CKA_PRIVATE', true),
    attribute('CKA_SENSITIVE', true),
    attribute('CKA_EXTRACTABLE', false),
    attribute('CKA_ENCRYPT', true),
    attribute('CKA_DECRYPT', true),
    attribute('CKA_VALUE_LEN', 32),
  ]);
}

/** A key that the token would hand out is no better than a file. */
function demandSafe(p: Pkcs11, token: Token, session: Handle, key: Handle): void {
  const [extractable, sensitive, length] = token.C_GetAttributeValue(session, key, [
    { type: p.CKA_EXTRACTABLE ?? 0 },
    { type: p.CKA_SENSITIVE ?? 0 },
    { type: p.CKA_VALUE_LEN ?? 0 },
  ]);
  if (extractable?.value[0] !== 0) throw new Error('the key in the token is extractable');
  if (sensitive?.value[0] !== 1) throw new Error('the key in the token is not sensitive');
  if (length?.value[0] !== 32) throw new Error('the key in the token is not AES-256');
}

function answerWith(
  p: Pkcs11,
  token: Token,
  session: Handle,
  key: Handle,
  { kind, iv, aad, data }: Pkcs11Question,
): Pkcs11Answer {
  const mechanism = {
    mechanism: p.CKM_AES_GCM,
    parameter: {
      type: p.CK_PARAMS_AES_GCM,
      iv: Buffer.from(iv),
      aad: Buffer.from(aad),
      ivBits: iv.length * 8,
      tagBits: TAG_BYTES * 8,
    },
  };
  const out = Buffer.alloc(data.length + TAG_BYTES);
  try {
    if (kind === 'encrypt') {
      token.C_EncryptInit(session, mechanism, key);
      return { opened: Uint8Array.from(token.C_Encrypt(session, Buffer.from(data), out)) };
    }
    token.C_DecryptInit(session, mechanism, key);
    return { opened: Uint8Array.from(token.C_Decrypt(session, Buffer.from(data), out)) };
  } catch (error) {
    const message = messageOf(error);
    const isTag = [...DOES_NOT_OPEN, ...ALSO_OF_SOFTHSM].some((code) => message.includes(code));
    return kind === 'decrypt' && isTag ? { opened: undefined } : { failure: message };
  }
}

function ignoring(code: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!messageOf(error).includes(code)) throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
