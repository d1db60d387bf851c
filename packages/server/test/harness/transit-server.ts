import { execFileSync } from 'node:child_process';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** How the server behaves from now on. */
export type Mood = 'well' | 'silent' | 'sealed' | 'ignores associated data';

/** The transit engine of Vault and OpenBao, as their documentation has it, over TLS. */
export interface TransitServer {
  readonly options: Readonly<Record<string, string | number>>;
  readonly folder: string;
  setMood(mood: Mood): void;
  /** Nobody listens at its address any more. */
  stop(): Promise<void>;
  /** At the same address again. */
  start(): Promise<void>;
  setToken(token: string): void;
  /** Puts another key of the same name in the place of the key. */
  loseKey(): void;
  requestCount(): number;
}

interface Body {
  readonly plaintext?: string;
  readonly ciphertext?: string;
  readonly associated_data?: string;
  readonly type?: string;
}

/**
 * `POST /v1/transit/encrypt/:key` and `/decrypt/:key` with `associated_data`, `POST
 * /v1/transit/keys/:key`; errors as `{ "errors": [...] }`; 403 for a wrong token, 400 for what does
 * not open, 503 while it is sealed. Ciphertexts are `vault:v1:` and base64 of nonce, text and tag.
 */
export async function startTransitServer(): Promise<TransitServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-transit-'));
  const certificate = makeCertificate(folder);
  const keys = new Map<string, Buffer>();
  let token = 'hvs.first';
  let mood: Mood = 'well';
  let requestCount = 0;

  function answer(path: string, given: string | undefined, body: Body): [number, object] {
    if (mood === 'sealed') return [503, { errors: ['Vault is sealed'] }];
    if (given !== token) return [403, { errors: ['permission denied'] }];
    const [, action, name = ''] =
      /^\/v1\/transit\/(encrypt|decrypt|keys)\/([\w-]+)$/.exec(path) ?? [];
    if (action === undefined) return [404, { errors: [] }];
    if (action === 'keys') {
      if (!keys.has(name)) keys.set(name, randomBytes(32));
      return [200, { data: { name, type: body.type } }];
    }
    const key = keys.get(name);
    if (key === undefined) return [400, { errors: ['encryption key not found'] }];
    const aad = mood === 'ignores associated data' ? '' : (body.associated_data ?? '');
    return action === 'encrypt' ? encrypt(key, aad, body) : decrypt(key, aad, body);
  }

  const server = createServer(certificate, async (request, response) => {
    requestCount++;
    let text = '';
    for await (const part of request) text += part;
    if (mood === 'silent') return; // Never an answer.
    const given = request.headers['x-vault-token'];
    const [status, reply] = answer(request.url ?? '', given as string, JSON.parse(text));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  });
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const { port } = server.address() as AddressInfo;
  const address = `https://127.0.0.1:${port}`;
  return {
    folder,
    options: {
      address,
      key: 'pantoken',
      tokenFile,
      caFile: join(folder, 'ca.pem'),
      timeoutMs: 500,
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
    start: () => listen(port),
    setMood(next) {
      mood = next;
    },
    setToken(next) {
      token = next;
    },
    loseKey: () => void keys.set('pantoken', randomBytes(32)),
    requestCount: () => requestCount,
  };
}

function encrypt(key: Buffer, aad: string, { plaintext = '' }: Body): [number, object] {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad, 'base64'));
  const text = cipher.update(Buffer.from(plaintext, 'base64'));
  const sealed = Buffer.concat([nonce, text, cipher.final(), cipher.getAuthTag()]);
  return [200, { data: { ciphertext: `vault:v1:${sealed.toString('base64')}`, key_version: 1 } }];
}

function decrypt(key: Buffer, aad: string, { ciphertext = '' }: Body): [number, object] {
  const sealed = Buffer.from(ciphertext.replace('vault:v1:', ''), 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), {
    authTagLength: 16,
  });
  decipher.setAAD(Buffer.from(aad, 'base64')).setAuthTag(sealed.subarray(-16));
  try {
    const text = decipher.update(sealed.subarray(12, -16));
    decipher.final();
    return [200, { data: { plaintext: text.toString('base64') } }];
  } catch {
    return [400, { errors: ['cipher: message authentication failed'] }];
  }
}

function makeCertificate(folder: string): { key: string; cert: string } {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'ca.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const out = ['-days', '2', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', ...kind, ...subject, ...out], { stdio: 'ignore' });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}
