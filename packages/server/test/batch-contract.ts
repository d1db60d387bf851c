/**
 * What every engine promises of the units it is given together: run by store-sqlite.test.ts and
 * store-postgres.test.ts beside the store contract.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import type { AccountChange } from '../src/domain/account-change.ts';
import { makeCaller } from '../src/domain/caller.ts';
import type { NumberRecord } from '../src/domain/card.ts';
import { parseOrganizationNumber } from '../src/domain/organization-number.ts';
import { parseFormats } from '../src/domain/token-format.ts';
import { random } from '../src/keys/random.ts';
import { makeCardStore } from '../src/store/card-store.ts';
import { makeLedger } from '../src/store/ledger.ts';
import { openStore, type StorePlace } from '../src/store/place.ts';
import type { Change, CommitOutcome } from '../src/usecase/ports.ts';
import { addition, auditOf, cardOf, numberRecord } from './store-contract.ts';

type Query = (sql: string) => Promise<readonly Record<string, unknown>[]>;

const COMMITTED: CommitOutcome = { committed: true };
const TAKEN: CommitOutcome = { committed: false, conflict: 'number_taken' };

const closing = (record: NumberRecord): AccountChange => ({
  organization: record.organization,
  lineage: record.lineage,
  position: 1,
  kind: 'closed',
  numberId: record.id,
  effectiveAtMs: 0,
  recordedAtMs: 2_222_222_222_222, // More than 32 bits hold.
});

/** A registration of each kind; the same again, or with the same name, is refused. */
function registrations(name: string): readonly Change[] {
  const organization = parseOrganizationNumber(Number.parseInt(name.slice(0, 2), 16) + 500);
  const given = {
    name,
    clientId: '1',
    pciCertified: false,
    organizations: new Set([organization]),
  };
  const formats = parseFormats([
    { engine: 'keyed', alphabet: 'alphanumeric', keepFirst: 6, keepLast: 4 },
  ]);
  return [
    {
      kind: 'add_organization',
      organization: { number: organization, name, panTokenOn: true, formats },
    },
    {
      kind: 'add_bin_range',
      range: {
        prefix: `4${Date.now() % 10 ** 10}`.padEnd(11, '0'),
        organization,
        logo: 1,
        panLength: 16,
      },
    },
    { kind: 'add_caller', caller: makeCaller(given, random.recordId()) },
  ];
}

/** @param query reads the database past the store. */
export async function batchContract(place: StorePlace, query: Query): Promise<void> {
  const store = await openStore(place);
  after(() => store.close());
  const ledger = makeLedger(store.committer);
  const cards = makeCardStore(store.reader);
  const commit = (changes: readonly Change[], id = 'batch') =>
    ledger.commit({ changes, audit: auditOf(ORGANIZATION, id) });

  describe('units that come together', () => {
    it('are on record when they were committed, and only then', async () => {
      const first = numberRecord();
      const other = numberRecord();
      const sameAsFirst = { ...numberRecord(), panIndex: first.panIndex };
      const batch = `batch-${randomBytes(8).toString('hex')}`;
      const outcomes = await Promise.all([
        commit(addition(first), `${batch}-0`),
        commit([...addition(other), ...addition(sameAsFirst)], `${batch}-1`),
        commit([], `${batch}-2`),
        commit(addition(other), `${batch}-3`),
      ]);
      assert.deepEqual(outcomes, [COMMITTED, TAKEN, COMMITTED, COMMITTED]);
      const blocks = await query(`select records from audit_block where records like '%${batch}%'`);
      const ids = blocks.flatMap(({ records }) => String(records).match(/batch-[0-9a-f]{16}-\d/g));
      assert.deepEqual(
        ids.sort(),
        [0, 2, 3].map((index) => `${batch}-${index}`),
      );
    });

    it('are kept whole or not at all, also when the last of several writes is in the way', async () => {
      const taken = numberRecord();
      await commit([...addition(taken), { kind: 'add_account_change', change: closing(taken) }]);
      const record = numberRecord();
      const outcome = await commit([
        ...addition(record),
        { kind: 'add_account_change', change: closing(taken) },
      ]);
      assert.deepEqual(outcome, { committed: false, conflict: 'change_taken' });
      assert.equal(await cards.findNumber(ORGANIZATION, record.id), undefined);
      assert.equal(await cards.findCard(ORGANIZATION, record.id, 1), undefined);
      const [change] = await cards.listChanges(ORGANIZATION, taken.lineage);
      assert.partialDeepStrictEqual(change, closing(taken));
    });

    it('may be thousands: each is answered, none is lost', async () => {
      const records = Array.from({ length: 2_000 }, () => numberRecord());
      const outcomes = await Promise.all(records.map((record) => commit(addition(record))));
      assert(outcomes.every(({ committed }) => committed));
      const ids = records.map(({ id }) => id);
      const found = await Promise.all(ids.map((id) => cards.findNumber(ORGANIZATION, id)));
      assert(found.every((each, index) => each?.id === ids[index]));
    });

    it('may not be more than can wait: the rest is refused at once, and what waits is answered', async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 10_020 }, () => commit([])));
      const refused = outcomes.filter((each) => each.status === 'rejected');
      assert.equal(refused.length, 20);
      assert(refused.every(({ reason }) => reason.code === 'TOO_BUSY'));
      assert.deepEqual(await commit([]), COMMITTED);
    });

    it('fail together when the engine fails, and leave nothing; the next are taken', async () => {
      const record = numberRecord();
      const broken = { ...cardOf(record), expiry: 'never' as never, logo: {} as never };
      await assert.rejects(commit([...addition(record), { kind: 'add_card', card: broken }]), {
        code: 'STORE_UNAVAILABLE',
      });
      assert.equal(await cards.findNumber(ORGANIZATION, record.id), undefined);
      assert.deepEqual(await commit(addition(record)), COMMITTED);
    });
  });

  describe('a registration', () => {
    it('is taken once', async () => {
      for (const change of registrations(randomBytes(6).toString('hex'))) {
        assert.deepEqual(await commit([change]), COMMITTED, change.kind);
        const again = { committed: false, conflict: 'registration_taken' };
        assert.deepEqual(await commit([change]), again, change.kind);
      }
    });
  });

  it('what was committed is there when the database is opened again', async () => {
    const record = numberRecord();
    await commit(addition(record));
    const again = await openStore(place);
    try {
      const found = await makeCardStore(again.reader).findNumberByToken(
        record.organization,
        record.epoch,
        record.token,
      );
      assert.equal(found?.id, record.id);
    } finally {
      await again.close();
    }
  });
}

const ORGANIZATION = parseOrganizationNumber(100);
