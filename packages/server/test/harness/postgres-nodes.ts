import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { ORGANIZATIONS } from '../../src/cli/sandbox-plan.ts';
import type { NewCaller } from '../../src/domain/caller.ts';
import { makeLog } from '../../src/log.ts';
import type { ServiceOptions } from '../../src/opened-home.ts';
import { createService, openService, type Service } from '../../src/service.ts';
import { type IssuerClient, makeIssuerClient } from './issuer-client.ts';
import { makePanRegistry } from './pan-registry.ts';
import { makeTestDatabase, type TestDatabase } from './postgres.ts';
import { injecting } from './send.ts';
import { operator } from './service.ts';

/** A caller, and its client at whichever node. */
export interface CallerOfNodes {
  readonly name: string;
  of(node: Service): IssuerClient;
}

/** A service on a PostgreSQL, with the organizations of the sandbox, and as many nodes as are opened. */
export interface PostgresNodes {
  readonly database: TestDatabase;
  readonly home: string;
  readonly options: ServiceOptions;
  readonly first: Service;
  /** One more node; it is closed with the others. */
  open(node: string, more?: ServiceOptions): Promise<Service>;
  /** Before the others. */
  close(node: Service): Promise<void>;
  /** PCI-certified in all organizations unless said otherwise. */
  addCaller(given?: Partial<NewCaller>): Promise<CallerOfNodes>;
  /** What the nodes have logged: errors and alarms. */
  logText(): string;
  /** Something to do at the end, when the nodes are closed and the database is not. */
  atEnd(work: () => Promise<unknown>): void;
}

/** Starts it with one node; all of it ends with the tests of the file. */
export async function startPostgresNodes(given: ServiceOptions = {}): Promise<PostgresNodes> {
  const database = await makeTestDatabase();
  const home = mkdtempSync(join(tmpdir(), 'pantoken-pg-'));
  const lines: string[] = [];
  const log = makeLog('error', { write: (line: string) => void lines.push(line) });
  const options = { ...given, database: { engine: 'postgres', url: database.url } } as const;
  const first = await createService(home, log, { ...options, node: 'one' });
  for (const { organization, ranges } of ORGANIZATIONS) {
    await first.register.addOrganization(operator, organization, ranges);
  }
  const organizations = new Set(ORGANIZATIONS.map(({ organization }) => organization.number));
  const nodes = new Set([first]);
  const works: (() => Promise<unknown>)[] = [];
  const registry = makePanRegistry();
  let callerCount = 0;
  async function close(node: Service): Promise<void> {
    nodes.delete(node);
    await node.close();
  }
  after(async () => {
    for (const node of nodes) await close(node);
    for (const work of works) await work();
    await database.close();
    rmSync(home, { recursive: true });
  });
  return {
    ...{ database, home, options, first, close },
    async open(node, more = {}) {
      const opened = await openService(home, log, undefined, { ...options, node, ...more });
      nodes.add(opened);
      return opened;
    },
    async addCaller(more = {}) {
      callerCount++;
      const [name, clientId] = [`caller-${callerCount}`, `2000${callerCount}`];
      const caller = { name, clientId, organizations, pciCertified: true, ...more };
      const { apikey, secret } = await first.register.addCaller(operator, caller);
      for (const { directory } of nodes) await directory.refresh();
      const credentials = { name, clientId, apikey, secret };
      return {
        name,
        of: (node) =>
          makeIssuerClient(
            injecting(() => node.app, registry),
            credentials,
          ),
      };
    },
    logText: () => lines.join(''),
    atEnd: (work) => void works.push(work),
  };
}
