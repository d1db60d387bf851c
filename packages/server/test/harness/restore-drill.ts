import assert, { deepEqual, equal, match } from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ORGANIZATIONS } from '../../src/cli/sandbox-plan.ts';
import { makeLog } from '../../src/log.ts';
import type { ServiceOptions } from '../../src/opened-home.ts';
import { createService, openService, type Service } from '../../src/service.ts';
import { checkDatabase } from '../../src/store/check.ts';
import { useSchema } from '../../src/store/place.ts';
import { verifyAudit } from '../../src/usecase/verify-audit.ts';
import { type CallerCredentials, type IssuerClient, makeIssuerClient } from './issuer-client.ts';
import { makePanRegistry } from './pan-registry.ts';
import { injecting } from './send.ts';
import { operator } from './service.ts';

const optionsOf = (url: string): ServiceOptions => ({ database: { engine: 'postgres', url } });

/** How many cards are made before, during and after the backup. */
const CARDS = 30;

const logged: string[] = [];
const log = makeLog('error', { write: (line: string) => void logged.push(line) });

/**
 * Makes a service with cards, backs its database up while more are made, makes others behind that,
 * restores, and demands what must hold then: what was there before the backup is served, what was lost
 * is noticed, and nothing is changed until an operator accepts it.
 *
 * @param url the database of the service, empty.
 * @param backUp makes the backup.
 * @param restore brings the backup back. @returns the URL of the restored database.
 */
export async function drillRestore(
  url: string,
  backUp: () => Promise<void>,
  restore: () => Promise<string>,
): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'pantoken-drill-'));
  logged.length = 0;
  try {
    const service = await createService(home, log, optionsOf(url));
    const credentials = await fill(service);
    const client = clientOf(service, credentials);
    const make = () => Promise.all(Array.from({ length: CARDS }, () => create(client)));
    const before = await make();
    const during = make();
    await backUp();
    await during;
    const after = await make();
    await service.close(); // Its last checkpoint is in the second place.
    equal(logged.join(''), '');

    const restored = optionsOf(await restore());
    assert(restored.database);
    deepEqual(await useSchema(restored.database, checkDatabase), []);
    const again = await openService(home, log, undefined, restored);
    try {
      await demandNoticed(again, clientOf(again, credentials), before, after);
    } finally {
      await again.close();
    }
  } finally {
    rmSync(home, { recursive: true });
  }
}

async function demandNoticed(
  service: Service,
  client: IssuerClient,
  before: readonly string[],
  after: readonly string[],
): Promise<void> {
  match(logged.join(''), /"alarm":"audit_restored"/);
  for (const token of before) {
    const number = await client.numberOf(100, token);
    equal(number.status, 200, number.text);
  }
  for (const token of after) equal((await client.numberOf(100, token)).status, 422);
  equal((await client.create()).code, 'RESTORE_UNACCEPTED');
  const losses = await service.audit.acceptRestore('alice', 'test');
  assert(losses.length > 0);
  equal((await client.create()).status, 200);

  await service.audit.checkpointer.flush();
  const { archive, publicKeys, readNotes } = service.audit;
  const request = { range: {}, notes: readNotes(), publicKeys: publicKeys() };
  const verified = await verifyAudit(archive, request);
  deepEqual(verified.problems, []);
  equal(verified.acceptedLosses.length, losses.length);
}

async function fill({ register }: Service): Promise<CallerCredentials> {
  for (const { organization, ranges } of ORGANIZATIONS) {
    await register.addOrganization(operator, organization, ranges);
  }
  const organizations = new Set(ORGANIZATIONS.map(({ organization }) => organization.number));
  const caller = { name: 'issuer', clientId: '00970', pciCertified: true, organizations };
  const { apikey, secret } = await register.addCaller(operator, caller);
  return { name: 'issuer', clientId: '00970', apikey, secret };
}

const registry = makePanRegistry();

const clientOf = (service: Service, credentials: CallerCredentials): IssuerClient =>
  makeIssuerClient(
    injecting(() => service.app, registry),
    credentials,
  );

async function create(client: IssuerClient): Promise<string> {
  const made = await client.create();
  equal(made.status, 200, made.text);
  return made.data.cardNumber;
}
