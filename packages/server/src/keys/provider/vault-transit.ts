import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { resolve } from 'node:path';
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

/** An answer holds one wrapped key, an RSA-4096 at most: about 4 KiB. */
const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * The key-encryption key in the transit engine of HashiCorp Vault or OpenBao: a key of type
 * aes256-gcm96, with the attributes as associated data.
 */
export const vaultTransitProvider: KekProvider = {
  optionNames: ['address', 'mount?', 'key', 'tokenFile', 'caFile?', 'namespace?', 'timeoutMs?'],
  async open(settings, folder) {
    const ask = makeAsk(settings, folder);
    const key = encodeURIComponent(textOption(settings, 'key'));

    const kek: Kek = {
      async wrap(attributes, bytes) {
        const { status, data } = await ask('POST', `encrypt/${key}`, {
          plaintext: Buffer.from(bytes).toString('base64'),
          associated_data: encodeAttributes(attributes).toString('base64'),
        });
        if (status !== 200) throw refused(settings, status);
        return Buffer.from(textOf(settings, data.ciphertext), 'utf8');
      },
      async unwrap(attributes, wrapped) {
        const { status, data } = await ask('POST', `decrypt/${key}`, {
          ciphertext: Buffer.from(wrapped).toString('utf8'),
          associated_data: encodeAttributes(attributes).toString('base64'),
        });
        if (status === 400) return undefined; // What does not open is a bad request to it.
        if (status !== 200) throw refused(settings, status);
        return Buffer.from(textOf(settings, data.plaintext), 'base64');
      },
      async check() {
        const probe = randomBytes(32);
        const wrapped = await kek.wrap(['probe'], probe);
        if (!(await kek.unwrap(['probe'], wrapped))?.equals(probe)) {
          throw new KeyProviderError(`key-encryption key ${settings.id}: the probe does not open`);
        }
        // A server too old for associated data ignores it without a word.
        if ((await kek.unwrap(['another probe'], wrapped)) !== undefined) {
          throw new KeyProviderError(
            `key-encryption key ${settings.id}: the server does not bind associated data`,
          );
        }
      },
      close: async () => undefined,
    };
    await kek.check();
    return kek;
  },
  async create(settings, folder) {
    const key = encodeURIComponent(textOption(settings, 'key'));
    const { status } = await makeAsk(settings, folder)('POST', `keys/${key}`, {
      type: 'aes256-gcm96',
      exportable: false,
      allow_plaintext_backup: false,
    });
    if (status !== 200 && status !== 204) throw refused(settings, status);
  },
};

interface Answer {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
}

type Ask = (method: 'POST', path: string, body: object) => Promise<Answer>;

function makeAsk(settings: KekSettings, folder: string): Ask {
  const base = addressOf(settings);
  const { mount = 'transit', namespace, caFile } = settings.options;
  const timeoutMs = timeoutOption(settings);
  const ca = typeof caFile === 'string' ? readCa(resolve(folder, caFile)) : undefined;
  return async (method, path, body) => {
    // Read at each call: the agent that renews the token writes the file anew.
    const token = readToken(resolve(folder, textOption(settings, 'tokenFile')));
    const url = new URL(`/v1/${mount}/${path}`, base);
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'x-vault-request': 'true',
      'x-vault-token': token,
      ...(typeof namespace === 'string' && { 'x-vault-namespace': namespace }),
    };
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const options = { method, headers, ...(ca !== undefined && { ca }) };
    return exchange(() => send(url, options), JSON.stringify(body), settings, timeoutMs);
  };
}

/** Keys never cross a network in clear. */
function addressOf(settings: KekSettings): URL {
  const url = URL.parse(textOption(settings, 'address'));
  const isLoopback = url !== null && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback)) return url;
  throw new KeyProviderError(
    `key-encryption key ${settings.id}: address must be an https:// address`,
  );
}

function exchange(
  send: () => ReturnType<typeof httpsRequest>,
  body: string,
  { id }: KekSettings,
  timeoutMs: number,
): Promise<Answer> {
  return new Promise((settle, fail) => {
    const gone = (reason: string) =>
      fail(new KeyProviderError(`key-encryption key ${id}: the server is gone (${reason})`));
    const request = send();
    const signal = setTimeout(() => request.destroy(new Error('time-out')), timeoutMs);
    request.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(signal);
      gone(error.code ?? error.message);
    });
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      let length = 0;
      response.on('data', (part: Buffer) => {
        length += part.length;
        if (length > ANSWER_BYTES_MAX) request.destroy(new Error('answer too long'));
        else parts.push(part);
      });
      response.on('error', (error: Error) => gone(error.message));
      response.on('end', () => {
        clearTimeout(signal);
        const data = dataOf(Buffer.concat(parts).toString('utf8'));
        settle({ status: response.statusCode ?? 0, data });
      });
    });
    request.end(body);
  });
}

function dataOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text).data ?? {};
  } catch {
    return {};
  }
}

function textOf(settings: KekSettings, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new KeyProviderError(`key-encryption key ${settings.id}: the answer is not understood`);
}

function refused({ id }: KekSettings, status: number): KeyProviderError {
  return new KeyProviderError(`key-encryption key ${id}: the server answers ${status}`);
}

function readToken(path: string): string {
  try {
    return readPrivateFile(path).trim();
  } catch (error) {
    throw new KeyProviderError(error instanceof Error ? error.message : 'no token file');
  }
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new KeyProviderError(`${path} cannot be read`);
  }
}
