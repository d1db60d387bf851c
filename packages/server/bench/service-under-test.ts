import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ORGANIZATIONS } from '../src/cli/sandbox-plan.ts';
import type { Caller } from '../src/domain/caller.ts';
import { makeLog } from '../src/log.ts';
import { createService } from '../src/service.ts';
import type { StorePlace } from '../src/store/place.ts';
import { freePort } from '../test/harness/postgres.ts';

const operator = { who: 'operator', requestId: 'bench' } as const;

/** A service in a folder of its own, filled, and the files a client sends. */
export interface BenchService {
  readonly home: string;
  readonly apikey: string;
  readonly secret: string;
  readonly caller: Caller;
  /** Another caller, of the same rights, for what the first one is not to be blamed for. */
  readonly other: { readonly apikey: string; readonly secret: string };
  readonly merchantKey: string;
  readonly merchantId: string;
  /** What merchants encrypt to, PEM. */
  readonly servicePublicKey: string;
  /** Of organization 100. */
  readonly pans: readonly string[];
  readonly tokens: readonly string[];
}

/** @param place undefined: SQLite in the folder. */
export async function makeBenchService(
  place: StorePlace | undefined,
  cardCount: number,
): Promise<BenchService> {
  const home = mkdtempSync(join(tmpdir(), 'pantoken-bench-'));
  const log = makeLog('error', { write: (line: string) => void process.stderr.write(line) });
  const service = await createService(home, log, { database: place });
  for (const { organization, ranges } of ORGANIZATIONS) {
    await service.register.addOrganization(operator, organization, ranges);
  }
  const organizations = new Set(ORGANIZATIONS.map(({ organization }) => organization.number));
  const added = await service.register.addCaller(operator, {
    ...{ name: 'issuer', clientId: '00970', pciCertified: true, organizations },
  });
  const other = await service.register.addCaller(operator, {
    ...{ name: 'other', clientId: '00971', pciCertified: true, organizations },
  });
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
  const merchant = await service.register.addMerchant(operator, {
    name: 'merchant',
    publicKeyPem: String(publicKey.export({ type: 'spki', format: 'pem' })),
    algorithm: 'rsa-v1_5',
  });
  const { caller, apikey, secret } = added;
  const [planned] = ORGANIZATIONS;
  if (planned === undefined) throw new Error('the plan has no organization');
  const organization = planned.organization.number;
  const pans: string[] = [];
  const tokens: string[] = [];
  for (let index = 0; index < cardCount; index += 500) {
    const count = Math.min(500, cardCount - index);
    const request = { organization, sequence: 1, details: { accountNumber: '4711' } };
    const made = await Promise.all(
      Array.from({ length: count }, () => service.createCard(caller, request, 'bench')),
    );
    const shown = await Promise.all(
      made.map(({ token }) =>
        service.inquireNumber(caller, { organization, token, sequence: 1 }, 'bench'),
      ),
    );
    for (const { token, number } of shown) {
      if (number.form !== 'clear')
        throw new Error('the caller of the benchmark sees clear numbers');
      tokens.push(token);
      pans.push(number.pan.reveal());
    }
  }
  const servicePublicKey = service.publicKeyPem;
  await service.close();
  const { id: merchantId } = merchant.merchant;
  const merchantKey = merchant.apiKey;
  return {
    ...{ home, apikey, secret, caller, other, merchantKey, merchantId, servicePublicKey },
    ...{ pans, tokens },
  };
}

/** A server process on one core. */
export interface RunningServer {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** @param args what node runs; the port comes after. */
export async function startServer(
  core: number | undefined,
  args: (port: number) => readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<RunningServer> {
  const port = await freePort();
  const pin = core === undefined ? [] : ['taskset', '-c', String(core)];
  const [command = '', ...rest] = [
    ...[...pin, process.execPath, '--conditions=pantoken-source'],
    ...args(port),
  ];
  const child: ChildProcess = spawn(command, rest, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await untilListening(port, child);
  return {
    port,
    pid: child.pid ?? 0,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export const MAIN = join(import.meta.dirname, '../src/main.ts');

/** The headers of each client, in a file, callers with a fresh access token. */
export async function writeHeaders(
  service: BenchService,
  port: number,
): Promise<{ issuer: string; other: string; stranger: string; merchant: string }> {
  const { home, other, merchantKey } = service;
  const json = 'Content-Type: application/json';
  const write = (name: string, lines: readonly string[]) => {
    const file = join(home, `${name}.wrk`);
    writeFileSync(file, `${[json, ...lines].join('\n')}\n`, { mode: 0o600 });
    return file;
  };
  const ofCaller = (clientId: string, apikey: string, token: string) => [
    ...[`apikey: ${apikey}`, `X-ClientID: ${clientId}`, `Authorization: Bearer ${token}`],
  ];
  const token = await fetchToken(port, service);
  return {
    issuer: write('issuer', ofCaller('00970', service.apikey, token)),
    other: write('other', ofCaller('00971', other.apikey, await fetchToken(port, other))),
    // All of it is right but the signature of the access token, which costs the most to find out.
    stranger: write('stranger', ofCaller('00970', service.apikey, `${token.slice(0, -8)}AAAAAAAA`)),
    merchant: write('merchant', [`x-api-key: ${merchantKey}`]),
  };
}

async function fetchToken(
  port: number,
  { apikey, secret }: { readonly apikey: string; readonly secret: string },
): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/token`, {
    method: 'POST',
    headers: {
      apikey,
      authorization: `Basic ${Buffer.from(`${apikey}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  return token;
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    try {
      await fetch(`http://127.0.0.1:${port}/`);
      return;
    } catch {
      await sleep(100);
    }
  }
  throw new Error('the server does not answer');
}
