import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { ORGANIZATIONS } from '../src/cli/sandbox-plan.ts';
import type { OrganizationNumber } from '../src/domain/organization-number.ts';
import { followDirectory } from '../src/follow-directory.ts';
import { makeLog } from '../src/log.ts';
import { makeDirectory } from '../src/store/directory.ts';
import { makeLedger } from '../src/store/ledger.ts';
import { openStore } from '../src/store/place.ts';
import { makeTestDatabase } from './harness/postgres.ts';
import { auditOf } from './store-contract.ts';

const database = await makeTestDatabase();
const place = { engine: 'postgres', url: database.url } as const;
const quiet = makeLog('error', { write: () => undefined });
const one = await openStore(place);
const two = await openStore(place);
const ledger = makeLedger(one.committer);
after(async () => {
  await one.close();
  await two.close();
  await database.close();
});

const [planned] = ORGANIZATIONS;
assert(planned);
const { formats } = planned.organization;
let next = 500;

/** Registers an organization on the first node. */
async function register(): Promise<OrganizationNumber> {
  const number = next++ as OrganizationNumber;
  const organization = { number, name: `Organization ${number}`, panTokenOn: true, formats };
  const outcome = await ledger.commit({
    changes: [{ kind: 'add_organization', organization }, { kind: 'count_directory_up' }],
    audit: auditOf(number),
  });
  assert.deepEqual(outcome, { committed: true });
  return number;
}

/** The second node, which looks by itself as often as it is told, and listens or does not. */
async function follow(hears: 'hints' | 'nothing', lookEveryMs: number) {
  const directory = await makeDirectory(two.reader);
  const none = { refresh: async () => undefined };
  const following = followDirectory({
    ...{ directory, log: quiet, lookEveryMs, confirmEveryMs: 3_600_000 },
    ...{ keyring: none as never, zoneKeys: none as never, serviceKeys: none as never },
    onFailure: async () => undefined,
    listen: hears === 'hints' ? two.hints?.listen : undefined,
  });
  after(following.stop);
  return {
    async untilKnown(number: OrganizationNumber): Promise<void> {
      while (directory.findOrganization(number) === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}

const NEVER_MS = 2 ** 31 - 1;

describe('what one node registers', () => {
  it('the other learns by a hint, without looking by itself', async () => {
    const node = await follow('hints', NEVER_MS);
    await node.untilKnown(await register());
    await node.untilKnown(await register());
  });

  it('the other learns without hints, by looking', async () => {
    const node = await follow('nothing', 50);
    await node.untilKnown(await register());
  });

  it('the other learns by hints again after its connection was cut', async () => {
    const node = await follow('hints', NEVER_MS);
    await node.untilKnown(await register());
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'pantoken hints'`,
    );
    // Nobody hears of this one; whoever listens again looks first.
    await node.untilKnown(await register());
    await node.untilKnown(await register());
  });
});
