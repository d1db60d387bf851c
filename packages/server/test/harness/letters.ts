import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
} from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompactEncrypt } from 'jose';
import { ORGANIZATIONS } from '../../src/cli/sandbox-plan.ts';
import { parseExpiry } from '../../src/domain/expiry.ts';
import { MESSAGE_ALGORITHMS, type MessageAlgorithm } from '../../src/domain/merchant.ts';
import { Pan } from '../../src/domain/pan.ts';
import { PUBLIC_SANDBOX, VISA_SANDBOX } from '../../src/domain/sandbox-cards.ts';
import { LOOPBACK_TRANSPORT } from '../../src/http/transport.ts';
import { makeLog } from '../../src/log.ts';
import { createService, openService, type Service } from '../../src/service.ts';
import { simulate } from '../../src/simulate.ts';
import { BIN, freshPan } from './numbers.ts';

const operator = { who: 'operator', requestId: 'letters' } as const;
const [PLANNED] = ORGANIZATIONS;
if (PLANNED === undefined) throw new Error('the plan has no organization');

/** A card and the letter it is answered with. */
export interface LetterCard {
  readonly pan: string;
  readonly letter: string;
}

/** Where answers come from, behind a service that asks it, and one card for each letter it knows. */
export interface LetterSource {
  readonly name: 'issuer' | 'visa-vau' | 'mastercard-abu' | 'http' | 'simulator';
  readonly cards: readonly LetterCard[];
  /** @returns `encdata` of the answer. */
  ask(card: LetterCard, algorithm: MessageAlgorithm, way: 'clear' | 'encrypted'): Promise<string>;
}

export interface LetterSources {
  readonly sources: readonly LetterSource[];
  /** Of the merchants, RSA 3072; one for each algorithm. */
  readonly keys: Readonly<Record<MessageAlgorithm, KeyObject>>;
  close(): Promise<void>;
}

const EXPIRY = { expmonth: '11', expyear: '2030' } as const;

/** Every source there is, each behind a service of its own, the schemes and the other service over TLS. */
export async function startLetterSources(): Promise<LetterSources> {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-letters-'));
  const visa = await simulate('visa', join(folder, 'visa'), 0);
  const mastercard = await simulate('mastercard', join(folder, 'mastercard'), 0);
  const keys = Object.fromEntries(
    MESSAGE_ALGORITHMS.map((algorithm) => [algorithm, newKey()]),
  ) as Record<MessageAlgorithm, KeyObject>;
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };

  const issuer = await open(folder, keys, {}, join(folder, 'visa'));
  const cards = await issuerCards(issuer.service);
  const schemes = await open(folder, keys, { visa: visa.section, mastercard: mastercard.section });
  const upstream = issuer.merchants['rsa-v1_5'];
  await issuer.service.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = issuer.service.app.server.address() as AddressInfo;
  const elsewhere = {
    ...{ source: 'http', baseUrl: `https://localhost:${port}` },
    caFile: join(folder, 'visa', 'ca.pem'),
    apiKeyFile: file('api-key', upstream.apiKey),
    decryptionKeyFile: file('upstream.key', pemOf(keys['rsa-v1_5'])),
    merchants: { '*': { merchantId: upstream.id } },
  };
  const http = await open(folder, keys, { visa: elsewhere, mastercard: elsewhere });
  const simulator = { source: 'simulator' };
  const local = await open(folder, keys, { visa: simulator, mastercard: simulator });
  const published = (known: Readonly<Record<string, { readonly status: string }>>) =>
    Object.entries(known).map(([pan, { status }]) => ({ pan, letter: status }));
  return {
    keys,
    sources: [
      { name: 'issuer', cards, ask: issuer.ask },
      { name: 'visa-vau', cards: published(VISA_SANDBOX), ask: schemes.ask },
      { name: 'mastercard-abu', cards: MASTERCARD_CARDS, ask: schemes.ask },
      { name: 'http', cards, ask: http.ask },
      { name: 'simulator', cards: published(PUBLIC_SANDBOX), ask: local.ask },
    ],
    async close() {
      for (const each of [http, local, schemes, issuer]) await each.service.close();
      await visa.close();
      await mastercard.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** By their last digit. */
const MASTERCARD_CARDS: readonly LetterCard[] = Object.entries({
  ...{ 0: 'A', 1: 'N', 2: 'V', 3: 'A', 4: 'C', 5: 'E', 7: 'P', 9: 'V' },
}).map(([digit, letter]) => ({ pan: `520473000000100${digit}`, letter }));

const newKey = () => generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey;
const pemOf = (key: KeyObject) => String(key.export({ type: 'pkcs8', format: 'pem' }));

async function open(
  folder: string,
  keys: Readonly<Record<MessageAlgorithm, KeyObject>>,
  settings: object,
  certificates?: string,
) {
  const home = join(mkdtempSync(join(folder, 'service-')), 'home');
  const log = makeLog('error', { write: (line: string) => void process.stderr.write(line) });
  await (await createService(home, log)).close();
  writeFileSync(join(home, 'updater.json'), JSON.stringify(settings));
  const tls = certificates && {
    certFile: join(certificates, 'server.pem'),
    keyFile: join(certificates, 'server.key'),
  };
  const transport = { ...LOOPBACK_TRANSPORT, ...(tls && { tls }) };
  const service = await openService(home, log, undefined, { transport });
  const merchants = {} as Record<MessageAlgorithm, { id: string; apiKey: string }>;
  for (const algorithm of MESSAGE_ALGORITHMS) {
    const publicKey = createPublicKey(pemOf(keys[algorithm]));
    const publicKeyPem = String(publicKey.export({ type: 'spki', format: 'pem' }));
    const given = { name: algorithm, publicKeyPem, algorithm };
    const { merchant, apiKey } = await service.register.addMerchant(operator, given);
    merchants[algorithm] = { id: merchant.id, apiKey };
  }

  async function ask({ pan }: LetterCard, algorithm: MessageAlgorithm, way: string) {
    const { id: merchantid, apiKey } = merchants[algorithm];
    const text = JSON.stringify({ pan, ...EXPIRY, merchantid });
    const encdata = way === 'clear' ? '' : await encrypt(service.publicKeyPem, algorithm, text);
    const reply = await service.app.inject({
      ...{ method: 'POST', url: '/api/cu/validatepan' },
      headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
      payload: way === 'clear' ? text : JSON.stringify({ encdata }),
    });
    if (reply.statusCode !== 200) throw new Error(`${reply.statusCode} ${reply.payload}`);
    return String(JSON.parse(reply.payload).encdata);
  }

  return { service, merchants, ask };
}

async function encrypt(pem: string, algorithm: MessageAlgorithm, text: string): Promise<string> {
  const bytes = Buffer.from(text);
  if (algorithm === 'jwe') {
    return new CompactEncrypt(bytes)
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
      .encrypt(createPublicKey(pem));
  }
  const padding =
    algorithm === 'rsa-v1_5'
      ? { padding: constants.RSA_PKCS1_PADDING }
      : { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  return publicEncrypt({ key: pem, ...padding }, bytes).toString('base64');
}

/** A card for each of the eight letters: seven of an organization of ours, and one of nobody's. */
async function issuerCards(service: Service): Promise<readonly LetterCard[]> {
  const { organization, ranges } = PLANNED as (typeof ORGANIZATIONS)[number];
  await service.register.addOrganization(operator, organization, ranges);
  const { caller } = await service.register.addCaller(operator, {
    ...{ name: 'issuer', clientId: '1', pciCertified: true },
    organizations: new Set([organization.number]),
  });
  const changes = {
    A: { kind: 'replaced', newPan: freshPan(BIN.mastercard) },
    C: { kind: 'closed' },
    E: { kind: 'renewed', expiry: '2033-02' },
    O: { kind: 'opted_out' },
    Q: { kind: 'contact_cardholder' },
    V: undefined,
  } as const;
  const cards: LetterCard[] = [
    { pan: freshPan(BIN.mastercard), letter: 'P' },
    { pan: '4111111111111111', letter: 'N' },
  ];
  for (const [letter, change] of Object.entries(changes)) {
    const pan = freshPan(BIN.mastercard);
    cards.push({ pan, letter });
    const expiry = parseExpiry(EXPIRY.expmonth, EXPIRY.expyear);
    const number = { organization: organization.number, pan: Pan.parse(pan) };
    const card = { ...number, sequence: 1, expiry, details: { accountNumber: '1' } };
    await service.createCard(caller, card, letter);
    if (change === undefined) continue;
    const message = { reference: letter, pan, ...change };
    const [result] = await service.recordAccountChanges(operator, organization.number, [message]);
    if (result?.status !== 'recorded') throw new Error(JSON.stringify(result));
  }
  return cards;
}
