import { generateKeyPairSync } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { FIRST_CARD_SEQUENCE } from '../domain/card.ts';
import { monthOf, yearOf } from '../domain/expiry.ts';
import { Pan } from '../domain/pan.ts';
import type { ChangeAccount } from '../usecase/change-account.ts';
import type { CreateCard } from '../usecase/create-card.ts';
import type { Register } from '../usecase/register.ts';
import type { ReissueCard } from '../usecase/reissue-card.ts';
import type { RenewCard } from '../usecase/renew-card.ts';
import {
  CALLERS,
  ORGANIZATIONS,
  SCENARIO_EXPIRY,
  SCENARIOS,
  type Scenario,
} from './sandbox-plan.ts';

/** What filling a sandbox needs of a service. */
export interface SandboxService {
  readonly register: Register;
  readonly createCard: CreateCard;
  readonly reissueCard: ReissueCard;
  readonly renewCard: RenewCard;
  readonly changeAccount: ChangeAccount;
  readonly publicKeyPem: string;
  close(): Promise<void>;
}

/** `credentials.json` of a sandbox. */
export interface SandboxCredentials {
  readonly url: string;
  readonly callers: readonly {
    readonly name: string;
    readonly clientId: string;
    readonly apikey: string;
    readonly secret: string;
    readonly organizations: readonly number[];
    readonly pciCertified: boolean;
  }[];
  readonly merchant: {
    readonly merchantid: string;
    readonly apiKey: string;
    readonly privateKeyPem: string;
  };
  readonly servicePublicKeyPem: string;
  readonly scenarios: readonly {
    readonly status: string;
    readonly pan: string;
    readonly expmonth: string;
    readonly expyear: string;
  }[];
}

const CREDENTIALS_FILE = 'credentials.json';

const operator = (requestId: string) => ({ who: 'operator', requestId });

/**
 * Makes a sandbox once: organizations, callers, a merchant and a card for each status. It is made in a
 * folder beside and moved into place when it is whole, so that an interrupted start leaves no half of
 * one.
 *
 * @param home where it is to be; it stays as it is when it is there.
 * @returns whether it was made now.
 */
export async function makeSandbox(
  home: string,
  url: string,
  createService: (home: string) => Promise<SandboxService>,
): Promise<boolean> {
  if (existsSync(join(home, CREDENTIALS_FILE))) {
    moveTo(home, url);
    return false;
  }
  if (existsSync(home) && readdirSync(home).length > 0) {
    throw new Error(`${home} is there but is no sandbox: name another folder in PANTOKEN_HOME`);
  }
  const making = `${home}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(dirname(home), { recursive: true });
  const service = await createService(making);
  const credentials = await fill(service, url);
  await service.close();
  writeCredentials(making, credentials);
  if (existsSync(home)) rmdirSync(home); // Empty, as checked above.
  renameSync(making, home);
  return true;
}

/** The service may listen somewhere else than last time. */
function moveTo(home: string, url: string): void {
  const path = join(home, CREDENTIALS_FILE);
  const credentials = readCredentials(path);
  if (credentials.url === url) return;
  const text = `${JSON.stringify({ ...credentials, url }, undefined, 2)}\n`;
  // The one copy of the secrets: never half of it.
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

function readCredentials(path: string): SandboxCredentials {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // The message of the parser would quote the file.
    throw new Error(`${path} cannot be read: remove the folder to make a new sandbox`);
  }
}

async function fill(service: SandboxService, url: string): Promise<SandboxCredentials> {
  for (const { organization, ranges } of ORGANIZATIONS) {
    await service.register.addOrganization(operator('sandbox'), organization, ranges);
  }
  const organizations = ORGANIZATIONS.map(({ organization }) => organization.number);
  const callers = [];
  for (const planned of CALLERS) {
    const added = await service.register.addCaller(operator('sandbox'), {
      ...planned,
      organizations: new Set(organizations),
    });
    callers.push({ ...planned, organizations, apikey: added.apikey, secret: added.secret });
    if (planned.pciCertified) {
      for (const scenario of SCENARIOS) await playScenario(service, added.caller, scenario);
    }
  }
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
  const { merchant, apiKey } = await service.register.addMerchant(operator('sandbox'), {
    name: 'merchant',
    publicKeyPem: String(publicKey.export({ type: 'spki', format: 'pem' })),
    algorithm: 'rsa-v1_5',
  });
  const privateKeyPem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return {
    url,
    callers,
    merchant: { merchantid: merchant.id, apiKey, privateKeyPem },
    servicePublicKeyPem: service.publicKeyPem,
    scenarios: SCENARIOS.map(({ status, number }) => ({
      status,
      pan: number.reveal(),
      expmonth: monthOf(SCENARIO_EXPIRY),
      expyear: yearOf(SCENARIO_EXPIRY),
    })),
  };
}

async function playScenario(
  service: SandboxService,
  caller: Parameters<CreateCard>[0],
  { number, fate }: Scenario,
): Promise<void> {
  if (fate === 'never_issued') return;
  const [first] = ORGANIZATIONS;
  if (first === undefined) return;
  const request = { organization: first.organization.number, sequence: FIRST_CARD_SEQUENCE };
  const card = { kind: 'number', number } as const;
  await service.createCard(
    caller,
    {
      ...request,
      pan: Pan.parse(number.reveal()),
      expiry: SCENARIO_EXPIRY,
      details: { accountNumber: '1', embossedName1: 'SANDBOX CARDHOLDER' },
    },
    'sandbox',
  );
  if (fate === 'reissued') await service.reissueCard(caller, { ...request, card }, 'sandbox');
  else if (fate === 'renewed') {
    await service.renewCard(caller, { ...request, card, expiry: 'renewed' }, 'sandbox');
  } else if (fate !== 'kept') {
    await service.changeAccount(operator('sandbox'), { ...request, card, kind: fate });
  }
}

/** Beside credentials.json, the same in files that curl and openssl take, so that none is typed. */
function writeCredentials(folder: string, credentials: SandboxCredentials): void {
  const write = (name: string, text: string) => writePrivate(join(folder, name), `${text}\n`);
  write(CREDENTIALS_FILE, JSON.stringify(credentials, undefined, 2));
  for (const { name, apikey, secret, clientId } of credentials.callers) {
    const basic = Buffer.from(`${apikey}:${secret}`).toString('base64');
    write(`${name}.login`, `apikey: ${apikey}\nAuthorization: Basic ${basic}`);
    const headers = ['Content-Type: application/json', `apikey: ${apikey}`];
    write(`${name}.headers`, [...headers, `X-ClientID: ${clientId}`].join('\n'));
  }
  const { merchantid, apiKey, privateKeyPem } = credentials.merchant;
  write('merchant.headers', `Content-Type: application/json\nx-api-key: ${apiKey}`);
  write('merchant.pem', privateKeyPem.trimEnd());
  write('service.pem', credentials.servicePublicKeyPem.trimEnd());
  for (const { status, ...scenario } of credentials.scenarios) {
    write(`scenario-${status}.json`, JSON.stringify({ ...scenario, merchantid }));
  }
}

function writePrivate(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
}
