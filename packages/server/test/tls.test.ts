import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { parseFingerprint } from '../src/domain/access.ts';
import { followTlsFiles } from '../src/http/tls.ts';
import { LOOPBACK_TRANSPORT, type Transport } from '../src/http/transport.ts';
import { makeLog } from '../src/log.ts';
import { openService } from '../src/service.ts';
import { addCaller } from './harness/add-caller.ts';
import { type CallerCredentials, tokenRequest } from './harness/issuer-client.ts';
import { operator, startService } from './harness/service.ts';

const folder = mkdtempSync(join(tmpdir(), 'pantoken-tls-'));
after(() => rmSync(folder, { recursive: true }));

/** A certificate of its own, and its fingerprint. */
function certificate(name: string) {
  const [keyFile, certFile] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, ...files], { stdio: 'ignore' });
  const { fingerprint256 } = new X509Certificate(readFileSync(certFile));
  return { keyFile, certFile, fingerprint: parseFingerprint(fingerprint256) ?? '' };
}

const test = await startService();
const server = certificate('server');
const client = certificate('client');
const other = certificate('other');

async function serveTls(given: Partial<Transport> = {}) {
  const { keyFile, certFile } = server;
  const transport: Transport = {
    ...LOOPBACK_TRANSPORT,
    tls: { keyFile, certFile },
    clientCertificates: 'asked',
    ...given,
  };
  const log = makeLog('error', { write: () => undefined });
  const service = await openService(test.home, log, undefined, { transport });
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = service.app.server.address() as AddressInfo;
  return { service, port, log };
}

const { service, port, log } = await serveTls();
after(() => service.close());

/** Signs in over TLS, with a client certificate or without. */
async function signIn(
  credentials: CallerCredentials,
  shown?: { keyFile: string; certFile: string },
): Promise<number | undefined> {
  const { path, headers, method, body } = tokenRequest(credentials);
  const pair = shown && { key: readFileSync(shown.keyFile), cert: readFileSync(shown.certFile) };
  return new Promise((resolve, reject) => {
    const ca = readFileSync(server.certFile);
    const options = { host: '127.0.0.1', port, path, method, headers, ca, ...pair, agent: false };
    request(options, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    })
      .on('error', reject)
      .end(body);
  });
}

async function handshake(options: object): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  await new Promise((resolve, reject) => socket.on('secureConnect', resolve).on('error', reject));
  return socket;
}

describe('TLS', () => {
  it('is 1.2 or later, 1.3 where the client can', async () => {
    const best = await handshake({});
    assert.equal(best.getProtocol(), 'TLSv1.3');
    best.destroy();
    const oldest = await handshake({ maxVersion: 'TLSv1.2' });
    assert.equal(oldest.getProtocol(), 'TLSv1.2');
    oldest.destroy();
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' };
    await assert.rejects(handshake(old));
    const weak = { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA256:ECDHE-ECDSA-AES128-SHA' };
    await assert.rejects(handshake(weak));
  });

  it('takes a new certificate without a restart, and keeps the old one when the new one is bad', async () => {
    const follower = followTlsFiles(service.app.server as never, server, log);
    after(() => follower.stop());
    const shownNow = async () => {
      const socket = await handshake({});
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return parseFingerprint(fingerprint256);
    };
    assert.equal(await shownNow(), server.fingerprint);
    const next = certificate('next');
    renameSync(next.certFile, server.certFile);
    follower.reload(); // The key is not that of the certificate yet.
    assert.equal(await shownNow(), server.fingerprint);
    renameSync(next.keyFile, server.keyFile);
    follower.reload();
    assert.equal(await shownNow(), next.fingerprint);
  });

  it('finds by itself that the files have changed', async () => {
    const follower = followTlsFiles(service.app.server as never, server, log);
    after(() => follower.stop());
    const next = certificate('after-next');
    renameSync(next.keyFile, server.keyFile);
    renameSync(next.certFile, server.certFile);
    for (let tries = 0; tries < 200; tries++) {
      const socket = await handshake({});
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      if (parseFingerprint(fingerprint256) === next.fingerprint) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.fail('the certificate is still the old one');
  });

  it('does not start with files that are missing or do not belong together', async () => {
    const tls = { keyFile: client.keyFile, certFile: other.certFile };
    await assert.rejects(serveTls({ tls }));
    await assert.rejects(serveTls({ tls: { ...tls, keyFile: join(folder, 'none') } }));
  });
});

describe('a client certificate', () => {
  it('has to be the one that is registered, where one is', async () => {
    const caller = await addCaller(test, { certificates: [client.fingerprint] });
    await service.directory.refresh();
    assert.equal(await signIn(caller.credentials, client), 200);
    assert.equal(await signIn(caller.credentials, other), 401);
    assert.equal(await signIn(caller.credentials), 401);
  });

  it('does no harm to a caller that needs none', async () => {
    const caller = await addCaller(test);
    await service.directory.refresh();
    assert.equal(await signIn(caller.credentials, other), 200);
    assert.equal(await signIn(caller.credentials), 200);
  });

  it('is tied to a merchant in the same way', async () => {
    const publicKeyPem = test.service.publicKeyPem;
    const given = { name: 'tied', publicKeyPem, algorithm: 'rsa-v1_5' } as const;
    const { apiKey } = await test.service.register.addMerchant(operator, {
      ...given,
      certificates: [client.fingerprint],
    });
    const headers = { 'x-api-key': apiKey, 'content-type': 'application/json' };
    const reply = await test.send({
      method: 'POST',
      path: '/api/cu/validatepan',
      headers,
      body: '{}',
    });
    assert.equal(reply.status, 401);
  });
});
