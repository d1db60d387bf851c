import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { makeMastercardSource } from '../../src/connectors/mastercard-abu.ts';
import { makeVisaSource } from '../../src/connectors/visa-vau.ts';
import { parseExpiry } from '../../src/domain/expiry.ts';
import type { Merchant } from '../../src/domain/merchant.ts';
import { CardNumber } from '../../src/domain/pan.ts';
import { makeCertificates } from '../../src/simulators/certificates.ts';
import {
  MASTERCARD_SANDBOX_ENROLMENT,
  makeMastercardRules,
} from '../../src/simulators/mastercard.ts';
import { startSchemeServer } from '../../src/simulators/scheme-server.ts';
import { makeVisaKeys, makeVisaRules, VISA_SANDBOX_ENROLMENT } from '../../src/simulators/visa.ts';
import type { AccountInquiry, InquiryOutcome } from '../../src/usecase/account-update-source.ts';

/** A certificate authority, a server and a client for this test file. */
export function testCertificates() {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-tls-'));
  after(() => rmSync(folder, { recursive: true }));
  return makeCertificates(folder);
}

export const merchantOf = (id: string) => ({ id }) as Merchant;

/** An inquiry of a merchant, by default the one that is enrolled. */
export function inquiryOf(pan: string, merchant = 'enrolled', month = '11'): AccountInquiry {
  const number = CardNumber.parseNumber(pan);
  return { merchant: merchantOf(merchant), number, expiry: parseExpiry(month, '2028') };
}

/** An outcome as one word: the letter, or the code and the raw code behind it. */
export function wordOf(outcome: InquiryOutcome | undefined): string {
  if (outcome?.refusal === undefined) return outcome?.update?.status ?? 'nothing';
  const { code, facts } = outcome.refusal;
  return `${code} ${facts.upstreamCode ?? ''}`.trim();
}

const SEGMENTS: Readonly<Record<string, number>> = { segment: 9, testMode: 3, letterG: 4 };

/** A simulated Visa and a connector to it, over TLS. */
export async function startVisa(certificates = testCertificates(), timeoutMs = 2_000) {
  const keys = makeVisaKeys();
  const secrets = { user: 'user', password: 'password', keyId: 'key-1' };
  const rules = makeVisaRules({
    ...secrets,
    ownKey: keys.scheme.privateKey,
    clientKey: keys.client.publicKey,
  });
  const server = await startSchemeServer(rules, certificates, 0);
  const { ca, clientCert: cert, clientKey: key } = certificates;
  const options = {
    ...{ baseUrl: server.url, ca, cert, key, timeoutMs, callsAtOnce: 4, ...secrets },
    encryptionKey: keys.scheme.publicKey,
    decryptionKey: keys.client.privateKey,
    isPushed: true,
    enrolmentOf(merchant: string) {
      if (merchant === 'stranger') return undefined;
      const acquirerSegmentId = SEGMENTS[merchant] ?? VISA_SANDBOX_ENROLMENT.acquirerSegmentId;
      const merchantId = merchant === 'other' ? '000000000000' : VISA_SANDBOX_ENROLMENT.merchantId;
      return { acquirerSegmentId, merchantId };
    },
  };
  const source = makeVisaSource(options);
  after(async () => {
    source.close();
    await server.close();
  });
  return { server, source, options };
}

/** A simulated Mastercard and a connector to it, over TLS. */
export async function startMastercard(certificates = testCertificates(), timeoutMs = 300) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const spelling = { now: 'schema' as 'schema' | 'examples' };
  const consumerKey = 'consumer!key';
  const rules = makeMastercardRules({
    consumerKey,
    verificationKey: createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
    spelling: () => spelling.now,
    url: () => server.url,
  });
  const server = await startSchemeServer(rules, certificates, 0);
  const options = {
    baseUrl: `${server.url}/abu/accounts`,
    ca: certificates.ca,
    timeoutMs,
    callsAtOnce: 4,
    consumerKey,
    signingKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    contactLetter: 'C' as 'C' | 'Q',
    isPushed: true,
    enrolmentOf: (merchant: string) => {
      if (merchant === 'stranger') return undefined;
      return { ...MASTERCARD_SANDBOX_ENROLMENT, ...(merchant === 'other' && { ica: '9999' }) };
    },
  };
  const source = makeMastercardSource(options);
  after(async () => {
    source.close();
    await server.close();
  });
  return { server, source, options, spelling };
}
