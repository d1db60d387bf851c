import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after } from 'node:test';
import { ORGANIZATIONS, type PlannedOrganization } from '../../src/cli/sandbox-plan.ts';
import type { AuditRecord } from '../../src/domain/audit-record.ts';
import { type Caller, demandOrganization, type Right } from '../../src/domain/caller.ts';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import { makeLog } from '../../src/log.ts';
import { createService, openService, type Service } from '../../src/service.ts';
import { type CallerCredentials, type IssuerClient, makeIssuerClient } from './issuer-client.ts';
import { type MerchantClient, makeMerchantClient } from './merchant-client.ts';
import { makePanRegistry, type PanRegistry } from './pan-registry.ts';
import { injecting, type Send } from './send.ts';
import { addKeptNumbers, demandNoPanIn, readRows } from './written-files.ts';

/** An organization that callers are registered for and that has no record. */
export const GHOST_ORGANIZATION = 998;

export const operator = { who: 'operator', requestId: 'test' } as const;

/** A service in this process, in a folder of its own, with a real database and real threads. */
export interface TestService {
  readonly home: string;
  /** Another one after each {@link TestService.restart}. */
  readonly service: Service;
  readonly registry: PanRegistry;
  readonly send: Send;
  /** May see card numbers, in all organizations. */
  readonly issuer: IssuerClient;
  /** May not, in all organizations. */
  readonly channel: IssuerClient;
  /** May see card numbers, in organization 200 only. */
  readonly stranger: IssuerClient;
  /** Has the rights to manage, validate and audit in all organizations, and no other. */
  readonly manager: IssuerClient;
  readonly merchant: MerchantClient;
  readonly callers: Readonly<Record<'issuer' | 'channel' | 'stranger', Caller>>;
  /** Moves the clock of the service. */
  moveClock(byMs: number): void;
  /** What the service takes for now. */
  nowMs(): number;
  logText(): string;
  /** All audit records, oldest first. */
  audit(): readonly AuditRecord[];
  rows(sql: string): readonly Record<string, unknown>[];
  /** Stops, does something by hand, and starts again. */
  restart(byHand?: (database: DatabaseSync) => void): Promise<void>;
}

/**
 * Starts a service that stops, and is scanned for card numbers, when the file or test that started it
 * ends.
 *
 * @param organizations those of the sandbox where left out.
 */
export async function startService(
  organizations: readonly PlannedOrganization[] = ORGANIZATIONS,
): Promise<TestService> {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-test-'));
  const home = join(folder, 'service');
  const written: string[] = [];
  const log = makeLog('debug', { write: (line: string) => void written.push(line) });
  let clockOffsetMs = 0;
  const clock = { nowMs: () => Date.now() + clockOffsetMs };
  const registry = makePanRegistry();

  await (await createService(home, log)).close();
  let service = await openService(home, log, clock);
  const send = injecting(() => service.app, registry);
  const filled = await fill(service, organizations);

  const stop = async () => {
    try {
      registry.demandAbsent('the log', Buffer.from(written.join('')));
      demandNoPanIn(home, registry); // The write-ahead log is still there.
    } finally {
      await service.close();
    }
  };
  after(async () => {
    await stop();
    await addKeptNumbers(home, registry);
    demandNoPanIn(home, registry);
    registry.demandAbsent('the log', Buffer.from(written.join('')));
    rmSync(folder, { recursive: true });
  });

  return {
    home,
    registry,
    send,
    get service() {
      return service;
    },
    issuer: makeIssuerClient(send, filled.credentials.issuer),
    channel: makeIssuerClient(send, filled.credentials.channel),
    stranger: makeIssuerClient(send, filled.credentials.stranger),
    manager: makeIssuerClient(send, filled.credentials.manager),
    callers: filled.callers,
    merchant: makeMerchantClient(send, registry, {
      ...filled.merchant,
      servicePublicKeyPem: service.publicKeyPem,
    }),
    nowMs: clock.nowMs,
    moveClock(byMs) {
      clockOffsetMs += byMs;
    },
    logText: () => written.join(''),
    audit: () => auditOf(home),
    rows: (sql) => readRows(home, sql),
    async restart(byHand) {
      await stop();
      if (byHand !== undefined) editByHand(home, byHand);
      service = await openService(home, log, clock);
    },
  };
}

/** Opens the database of a service that does not run, as somebody with the file could. */
export function editByHand(home: string, byHand: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(home, 'pantoken.db'));
  try {
    byHand(database);
  } finally {
    database.close();
  }
}

/** The audit records a database keeps, oldest first. */
export function auditOf(home: string): readonly AuditRecord[] {
  const blocks = readRows(home, 'select * from audit_block order by recorded_at, chain, position');
  return blocks.flatMap(({ records, record_count: count }) => {
    const lines = String(records).split('\n');
    assert.equal(lines.length, count);
    return lines.map((line) => JSON.parse(line) as AuditRecord);
  });
}

async function fill({ register }: Service, organizations: readonly PlannedOrganization[]) {
  for (const { organization, ranges } of organizations) {
    await register.addOrganization(operator, organization, ranges);
  }
  const numbers = organizations.map(({ organization }) => organization.number);
  const all = new Set([...numbers, GHOST_ORGANIZATION as OrganizationNumber]);
  const add = async (
    name: string,
    clientId: string,
    pciCertified: boolean,
    of = all,
    rights?: ReadonlySet<Right>,
  ) => {
    const caller = { name, clientId, pciCertified, organizations: of, ...(rights && { rights }) };
    const added = await register.addCaller(operator, caller);
    const { apikey, secret } = added;
    const credentials: CallerCredentials = { name, clientId, apikey, secret };
    return { credentials, caller: added.caller };
  };
  const issuer = await add('issuer', '00970', true);
  const channel = await add('channel', '00971', false);
  const managing = new Set<Right>(['manage', 'validate', 'audit']);
  const manager = await add('manager', '00973', false, all, managing);
  const stranger = await add('stranger', '00972', true, new Set([200 as OrganizationNumber]));
  demandOrganization(stranger.caller, 200 as OrganizationNumber);

  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { merchant, apiKey } = await register.addMerchant(operator, {
    name: 'merchant',
    publicKeyPem: String(publicKey.export({ type: 'spki', format: 'pem' })),
    algorithm: 'rsa-v1_5',
  });
  return {
    credentials: {
      issuer: issuer.credentials,
      channel: channel.credentials,
      stranger: stranger.credentials,
      manager: manager.credentials,
    },
    callers: { issuer: issuer.caller, channel: channel.caller, stranger: stranger.caller },
    merchant: {
      merchantid: merchant.id,
      apiKey,
      privateKeyPem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    },
  };
}
