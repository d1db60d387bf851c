import { type KeyObject, privateDecrypt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { RSA_OPTIONS } from '../../src/keys/message-forms.ts';
import type { Certificates } from '../../src/simulators/certificates.ts';

/** A notification as its receiver sees it. */
export interface Received {
  readonly requestId: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly fields: Readonly<Record<string, string>>;
  /** What it was answered with. */
  readonly status: number;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** The status of the next answer; 0: the connection is cut without one. */
  answer(next: () => number): void;
}

/**
 * A merchant's receiver over TLS: it decrypts, answers challenges, and acknowledges unless told
 * otherwise.
 *
 * @param privateKey the merchant's.
 */
export async function startReceiver(
  { serverCert: cert, serverKey: key }: Certificates,
  privateKey: KeyObject,
  algorithm: keyof typeof RSA_OPTIONS = 'rsa-v1_5',
): Promise<Receiver> {
  const received: Received[] = [];
  let next = () => 200;
  const server = createServer({ cert, key }, async (incoming, response) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part);
    const body = Buffer.concat(parts).toString('utf8');
    const encrypted = Buffer.from(JSON.parse(body).encdata, 'base64');
    const decrypted = privateDecrypt({ key: privateKey, ...RSA_OPTIONS[algorithm] }, encrypted);
    const fields = JSON.parse(decrypted.toString());
    if (fields.challenge !== undefined) {
      response.end(JSON.stringify({ challenge: fields.challenge }));
      return;
    }
    const status = next();
    const requestId = String(incoming.headers['x-request-id']);
    received.push({ requestId, headers: incoming.headers, body, fields, status });
    if (status === 0) incoming.socket.destroy();
    else response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}/notify`,
    received,
    answer(given) {
      next = given;
    },
  };
}
