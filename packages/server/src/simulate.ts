/**
 * Puts a simulated scheme together: its keys and secrets in a folder, its server. Part of the
 * composition root.
 *
 * @module
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scheme } from './domain/scheme.ts';
import { CERTIFICATE_FILES, makeCertificates } from './simulators/certificates.ts';
import { MASTERCARD_SANDBOX_ENROLMENT, makeMastercardRules } from './simulators/mastercard.ts';
import { type SchemeServer, startSchemeServer } from './simulators/scheme-server.ts';
import { makeVisaRules, VISA_SANDBOX_ENROLMENT } from './simulators/visa.ts';

export interface Simulator extends SchemeServer {
  /** The section of `updater.json` that connects a service to it. */
  readonly section: Readonly<Record<string, unknown>>;
}

const VISA_USER = 'simulated';
const VISA_KEY_ID = 'simulated-1';

/** @throws {Error} when there is no openssl, or the port is taken. */
export async function simulate(scheme: Scheme, folder: string, port: number): Promise<Simulator> {
  const certificates = makeCertificates(folder);
  const path = (name: string) => join(folder, name);
  const rsa = (name: string) => {
    const make = () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      return String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    };
    const privateKey = createPrivateKey(once(path(`${name}.key`), make));
    const publicKey = createPublicKey(privateKey.export({ type: 'pkcs1', format: 'pem' }));
    once(path(`${name}.pub`), () => String(publicKey.export({ type: 'spki', format: 'pem' })));
    return { privateKey, publicKey };
  };
  const secret = (name: string) => once(path(name), () => randomBytes(24).toString('base64url'));
  const caFile = path(CERTIFICATE_FILES.ca);
  secret('callback-secret');
  const callback = { secretFile: path('callback-secret') };
  if (scheme === 'visa') {
    const [own, client] = [rsa('scheme-message'), rsa('client-message')];
    const rules = makeVisaRules({
      ...{ user: VISA_USER, password: secret('password'), keyId: VISA_KEY_ID },
      ...{ ownKey: own.privateKey, clientKey: client.publicKey },
    });
    const server = await startSchemeServer(rules, certificates, port);
    return withSection(server, {
      ...{
        source: 'visa-vau',
        baseUrl: server.url,
        caFile,
        callback,
        user: VISA_USER,
        keyId: VISA_KEY_ID,
      },
      ...{
        certFile: path(CERTIFICATE_FILES.clientCert),
        keyFile: path(CERTIFICATE_FILES.clientKey),
      },
      ...{ passwordFile: path('password'), encryptionKeyFile: path('scheme-message.pub') },
      decryptionKeyFile: path('client-message.key'),
      merchants: { '*': VISA_SANDBOX_ENROLMENT },
    });
  }
  const rules = makeMastercardRules({
    consumerKey: secret('consumer-key'),
    verificationKey: rsa('signing').publicKey,
    spelling: () => 'schema',
    url: () => server.url,
  });
  const server: SchemeServer = await startSchemeServer(rules, certificates, port);
  return withSection(server, {
    ...{ source: 'mastercard-abu', baseUrl: `${server.url}/abu/accounts`, caFile, callback },
    ...{ consumerKeyFile: path('consumer-key'), signingKeyFile: path('signing.key') },
    merchants: { '*': MASTERCARD_SANDBOX_ENROLMENT },
  });
}

/** The server's own getters must stay what they are. */
function withSection(server: SchemeServer, section: Simulator['section']): Simulator {
  return Object.defineProperties(
    { section } as Simulator,
    Object.getOwnPropertyDescriptors(server),
  );
}

/** What a file holds; made when it is not there. */
function once(path: string, make: () => string): string {
  if (!existsSync(path)) writeFileSync(path, make(), { mode: 0o600 });
  return readFileSync(path, 'utf8');
}
