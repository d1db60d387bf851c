import assert from 'node:assert/strict';
import { constants, privateDecrypt, publicEncrypt } from 'node:crypto';
import type { PanRegistry } from './pan-registry.ts';
import type { Reply, Send } from './send.ts';

export const VALIDATE = '/api/cu/validatepan';

/** What a merchant has. */
export interface MerchantCredentials {
  readonly merchantid: string;
  readonly apiKey: string;
  readonly privateKeyPem: string;
  readonly servicePublicKeyPem: string;
}

/** A decrypted answer. */
export interface ValidationAnswer {
  readonly status: string;
  readonly scheme: string;
  readonly oldpan: string;
  readonly oldexpmonth: string;
  readonly oldexpyear: string;
  readonly newpan?: string;
  readonly newexpmonth?: string;
  readonly newexpyear?: string;
}

/** A client of the merchant's face. */
export interface MerchantClient {
  readonly credentials: MerchantCredentials;
  headers(): Record<string, string>;
  post(body: string | Buffer, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  /** Asks in clear and decrypts the answer. */
  validate(pan: string, expmonth?: string, expyear?: string): Promise<ValidationAnswer>;
  /** Encrypts to the key of the service. */
  encrypt(text: string): string;
  decrypt(reply: Reply): ValidationAnswer;
}

export function makeMerchantClient(
  send: Send,
  registry: PanRegistry,
  credentials: MerchantCredentials,
): MerchantClient {
  const { merchantid, apiKey, privateKeyPem, servicePublicKeyPem } = credentials;
  const padding = constants.RSA_PKCS1_PADDING;

  const client: MerchantClient = {
    credentials,
    headers: () => ({ 'content-type': 'application/json', 'x-api-key': apiKey }),
    post(body, headers = {}) {
      const given = Object.entries({ ...client.headers(), ...headers });
      return send({
        method: 'POST',
        path: VALIDATE,
        headers: Object.fromEntries(given.filter(([, value]) => value !== '')),
        body,
      });
    },
    async validate(pan, expmonth = '11', expyear = '2030') {
      registry.add(pan);
      return client.decrypt(
        await client.post(JSON.stringify({ pan, expmonth, expyear, merchantid })),
      );
    },
    encrypt: (text) =>
      publicEncrypt({ key: servicePublicKeyPem, padding }, Buffer.from(text)).toString('base64'),
    decrypt({ status, text }) {
      assert.equal(status, 200, text);
      const answer = JSON.parse(text);
      assert.deepEqual(Object.keys(answer), ['encdata']);
      const bytes = Buffer.from(answer.encdata, 'base64');
      const clear = privateDecrypt({ key: privateKeyPem, padding }, bytes).toString('utf8');
      registry.addFromJson(clear);
      return JSON.parse(clear);
    },
  };
  return client;
}
