import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An authority, a server and a client, PEM. */
export interface Certificates {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

/** The files that {@link makeCertificates} leaves in a folder. */
export const CERTIFICATE_FILES = {
  ca: 'ca.pem',
  serverCert: 'server.pem',
  serverKey: 'server.key',
  clientCert: 'client.pem',
  clientKey: 'client.key',
} as const satisfies Record<keyof Certificates, string>;

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/**
 * Makes an authority of a simulator's own, with certificates for `localhost` and for one client, once
 * in a folder. By the openssl command: Node.js reads certificates and cannot make any.
 *
 * @throws {Error} when there is no openssl.
 */
export function makeCertificates(folder: string): Certificates {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = (name: string) => join(folder, name);
  if (!existsSync(path(CERTIFICATE_FILES.clientCert))) {
    const openssl = (...args: string[]) =>
      execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const ca = ['-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Pantoken simulator'];
    openssl('req', '-x509', ...CURVE, '-days', '3650', ...ca);
    for (const name of ['server', 'client']) {
      const subject = name === 'server' ? '/CN=localhost' : '/CN=acquirer';
      const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject];
      openssl('req', '-new', ...CURVE, ...files);
      writeFileSync(path(`${name}.ext`), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
      const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '3650'];
      const inOut = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`];
      openssl('x509', '-req', ...signing, ...inOut);
    }
  }
  const read = (name: keyof Certificates) => readFileSync(path(CERTIFICATE_FILES[name]), 'utf8');
  return {
    ca: read('ca'),
    serverCert: read('serverCert'),
    serverKey: read('serverKey'),
    clientCert: read('clientCert'),
    clientKey: read('clientKey'),
  };
}
