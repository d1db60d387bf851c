import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after } from 'node:test';
import { ORGANIZATIONS } from '../../src/cli/sandbox-plan.ts';
import type { AuditRecord } from '../../src/domain/audit-record.ts';
import { type ServiceOptions, sqliteIn } from '../../src/opened-home.ts';
import { createService, openService, type Service } from '../../src/service.ts';
import { type IssuerClient, makeIssuerClient } from './issuer-client.ts';
import type { KeyEngine } from './key-home.ts';
import { QUIET } from './key-tools.ts';
import { type MerchantClient, makeMerchantClient } from './merchant-client.ts';
import { makePanRegistry } from './pan-registry.ts';
import { makeTestDatabase } from './postgres.ts';
import { injecting } from './send.ts';
import { operator } from './service.ts';
import { readRows } from './written-files.ts';

/** A service on one of the engines, and its database for somebody who changes it by hand. */
export interface EngineService {
  readonly home: string;
  readonly options: ServiceOptions;
  readonly issuer: IssuerClient;
  /** Another client of the same caller, which signs in anew. */
  signedIn(): IssuerClient;
  /** With the public key of the service as it is at this moment. */
  merchant(): MerchantClient;
  readonly service: Service;
  /** Several statements, as somebody with the database could give them. */
  change(sql: string): Promise<void>;
  rows(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** All audit records, oldest first. */
  audit(): Promise<readonly AuditRecord[]>;
  restart(): Promise<void>;
  moveClock(byMs: number): void;
}

/** Starts a service with the organizations of the sandbox; it ends with the tests of the file. */
export async function startEngineService(engine: KeyEngine): Promise<EngineService> {
  const folder = mkdtempSync(join(tmpdir(), `pantoken-${engine}-`));
  const home = join(folder, 'service');
  const database = await openDatabase(engine, home);
  const { options } = database;
  let movedMs = 0;
  const clock = { nowMs: () => Date.now() + movedMs };
  let service = await createService(home, QUIET, options);
  const credentials = await fill(service);
  await service.close();
  service = await openService(home, QUIET, clock, options);
  after(async () => {
    await service.close();
    await database.close();
    rmSync(folder, { recursive: true });
  });
  const { rows, change } = database;
  const registry = makePanRegistry();
  const send = injecting(() => service.app, registry);
  return {
    ...{ home, options, rows, change },
    issuer: makeIssuerClient(send, credentials.issuer),
    signedIn: () => makeIssuerClient(send, credentials.issuer),
    merchant() {
      const servicePublicKeyPem = service.publicKeyPem;
      return makeMerchantClient(send, registry, { ...credentials.merchant, servicePublicKeyPem });
    },
    get service() {
      return service;
    },
    async audit() {
      const sql = 'select * from audit_block order by recorded_at, chain, position';
      const lines = (await rows(sql)).flatMap(({ records }) => String(records).split('\n'));
      return lines.map((line) => JSON.parse(line) as AuditRecord);
    },
    async restart() {
      await service.close();
      service = await openService(home, QUIET, clock, options);
    },
    moveClock(byMs) {
      movedMs += byMs;
    },
  };
}

async function openDatabase(engine: KeyEngine, home: string) {
  if (engine === 'postgres') {
    const { url, query, close } = await makeTestDatabase();
    const options = { database: { engine, url } } as const;
    const change = async (sql: string) => void (await query(sql));
    return { options, rows: query, change, close };
  }
  const { path } = sqliteIn(home) as { path: string };
  return {
    options: {},
    rows: async (sql: string) => readRows(home, sql),
    async change(sql: string) {
      const database = new DatabaseSync(path, { timeout: 5_000 });
      try {
        database.exec(sql);
      } finally {
        database.close();
      }
    },
    close: async () => undefined,
  };
}

async function fill({ register }: Service) {
  for (const { organization, ranges } of ORGANIZATIONS) {
    await register.addOrganization(operator, organization, ranges);
  }
  const organizations = new Set(ORGANIZATIONS.map(({ organization }) => organization.number));
  const caller = { name: 'issuer', clientId: '00970', pciCertified: true, organizations };
  const { apikey, secret } = await register.addCaller(operator, caller);
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { merchant, apiKey } = await register.addMerchant(operator, {
    name: 'merchant',
    publicKeyPem: String(publicKey.export({ type: 'spki', format: 'pem' })),
    algorithm: 'rsa-v1_5',
  });
  const privateKeyPem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return {
    issuer: { name: 'issuer', clientId: '00970', apikey, secret },
    merchant: { merchantid: merchant.id, apiKey, privateKeyPem },
  };
}
