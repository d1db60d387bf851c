import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { CompactEncrypt } from 'jose';
import { LOOPBACK_TRANSPORT } from '../../src/http/transport.ts';
import { makeLog } from '../../src/log.ts';
import { openService } from '../../src/service.ts';
import { simulate } from '../../src/simulate.ts';
import type { FuzzRequest } from './fuzz-requests.ts';
import { BIN, panOf } from './numbers.ts';
import type { Reply } from './send.ts';
import type { TestService } from './service.ts';

/** Both schemes, connected to a service, as those who push to it. */
export interface FuzzSchemes {
  /** The secret of the path of each. */
  readonly secrets: Readonly<Record<'visa' | 'mastercard', string>>;
  /** Bodies as each scheme sends them. */
  readonly good: Readonly<Record<'visa' | 'mastercard', readonly string[]>>;
  /** The same, and bodies that no scheme would send, sealed like the others where they are sealed. */
  readonly pushes: readonly string[];
  /** To a node of the service that knows the schemes by their client certificate, over TLS. */
  send(request: FuzzRequest): Promise<Reply>;
}

/** What a push may hold when a scheme has been taken over, or errs. */
const STRANGE = [
  ...[{}, { updates: {} }, { updates: [null] }, { updates: [{}, []] }, { responses: 'x' }],
  { updates: [{ oldCardholderAccountNumber: 1 }, { oldCardholderAccountNumber: '５４０２' }] },
  {
    updates: Array.from({ length: 1_001 }, () => ({ oldCardholderAccountNumber: '0'.repeat(12) })),
  },
  { oldAccountNumber: ['5402080000000013'] },
  { oldAccountNumber: '0'.repeat(20) },
];

/**
 * Connects a service to simulated schemes that push. It knows them by the secret in the path; a second
 * node beside it by their certificate.
 */
export async function connectSchemes(test: TestService): Promise<FuzzSchemes> {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-schemes-'));
  const file = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');
  const visa = await simulate('visa', join(folder, 'visa'), 0);
  const mastercard = await simulate('mastercard', join(folder, 'mastercard'), 0);
  const { fingerprint256 } = new X509Certificate(file('visa', 'client.pem'));
  const connect = (more: object) => {
    const sections = { visa: visa.section, mastercard: mastercard.section };
    const all = Object.entries(sections).map(([name, each]) => [name, { ...each, ...more }]);
    writeFileSync(join(test.home, 'updater.json'), JSON.stringify(Object.fromEntries(all)));
  };
  connect({ callback: { certificates: [fingerprint256] } });
  const node = await startTlsNode(test, folder);
  connect({});
  await test.restart();
  after(async () => {
    await node.close();
    await visa.close();
    await mastercard.close();
    rmSync(folder, { recursive: true });
  });

  const key = createPublicKey(file('visa', 'client-message.pub'));
  const seal = async (fields: object) => {
    const encData = await new CompactEncrypt(Buffer.from(JSON.stringify(fields), 'utf8'))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A128GCM' })
      .encrypt(key);
    return JSON.stringify({ encData });
  };
  const accounts = Array.from({ length: 4 }, (_, index) => panOf(BIN.mastercard, 600_000 + index));
  for (const account of accounts) test.registry.add(account);
  const updates = accounts.map((account) => ({ oldCardholderAccountNumber: account }));
  const good = {
    visa: [await seal({ updates }), await seal({ responses: updates.slice(1) })],
    mastercard: accounts.map((oldAccountNumber) => JSON.stringify({ oldAccountNumber })),
  };
  const sealed = await Promise.all(STRANGE.map(seal));
  const clear = STRANGE.map((each) => JSON.stringify(each));
  return {
    secrets: {
      visa: file('visa', 'callback-secret'),
      mastercard: file('mastercard', 'callback-secret'),
    },
    good,
    pushes: [...good.visa, ...good.mastercard, ...sealed, ...clear, '{"encData":"x"}'],
    send: node.send,
  };
}

/** Another node of the service, over TLS, which asks for client certificates. */
async function startTlsNode(test: TestService, folder: string) {
  const path = (name: string) => join(folder, 'visa', name);
  const read = (name: string) => readFileSync(path(name), 'utf8');
  const written: string[] = [];
  const log = makeLog('debug', { write: (line: string) => void written.push(line) });
  const tls = { certFile: path('server.pem'), keyFile: path('server.key') };
  const transport = { ...LOOPBACK_TRANSPORT, tls, clientCertificates: 'asked' } as const;
  const service = await openService(test.home, log, test, { transport });
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = service.app.server.address() as AddressInfo;
  const options = { keepAlive: true, ca: read('ca.pem') };
  const agents = {
    known: new Agent({ ...options, cert: read('client.pem'), key: read('client.key') }),
    unknown: new Agent(options),
  };
  return {
    send: ({ path: target, method, headers, body, showsCertificate }: FuzzRequest) =>
      new Promise<Reply>((resolve, reject) => {
        const agent = showsCertificate === true ? agents.known : agents.unknown;
        const url = `https://localhost:${port}${target}`;
        request(url, { method, headers: { ...headers }, agent }, async (answer) => {
          const chunks = await answer.toArray();
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
        })
          .on('error', reject)
          .end(body);
      }),
    async close(): Promise<void> {
      for (const agent of Object.values(agents)) agent.destroy();
      await service.close();
      test.registry.demandAbsent('the log of the other node', Buffer.from(written.join('')));
    },
  };
}
