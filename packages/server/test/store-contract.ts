/**
 * What every engine promises, whatever it is: run by store-sqlite.test.ts and store-postgres.test.ts.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import type { AuditRecord } from '../src/domain/audit-record.ts';
import type { Card, CardTerms, NumberRecord } from '../src/domain/card.ts';
import type { Expiry } from '../src/domain/expiry.ts';
import type { OrganizationNumber } from '../src/domain/organization-number.ts';
import type { RecordId } from '../src/domain/record-id.ts';
import { random } from '../src/keys/random.ts';
import { makeCardStore } from '../src/store/card-store.ts';
import { makeLedger } from '../src/store/ledger.ts';
import { migrate, schemaStatus } from '../src/store/migrate.ts';
import { openStore, type StorePlace, useSchema } from '../src/store/place.ts';
import type { Change } from '../src/usecase/ports.ts';

const ORGANIZATION = 100 as OrganizationNumber;
const OTHER = 200 as OrganizationNumber;

/** A record as the use cases make them, with noise in place of ciphertext. */
export function numberRecord(organization = ORGANIZATION, lineage?: RecordId): NumberRecord {
  const id = random.recordId();
  return {
    organization,
    id,
    lineage: lineage ?? id,
    panIndex: randomBytes(32),
    token: `540208A${randomBytes(4).toString('hex').toUpperCase()}`,
    epoch: 1,
    sealedPan: { dataKeyEpoch: 1, bytes: randomBytes(44) },
    createdAtMs: Date.now(),
  };
}

const indexOf = (current: Uint8Array) => ({ current, next: undefined, findBy: 'current' }) as const;

export function cardOf(record: NumberRecord, sequence = 1): Card {
  return {
    organization: record.organization,
    numberId: record.id,
    sequence,
    logo: 1,
    expiry: 203011 as Expiry,
    chipSequence: 1,
    sealedDetails: { dataKeyEpoch: 1, bytes: randomBytes(60) },
    createdAtMs: Date.now(),
  };
}

export function auditOf(organization: OrganizationNumber, requestId = 'test'): AuditRecord {
  const done = { action: 'create_card', outcome: 'done' } as const;
  return { atMs: Date.now(), who: 'operator', ...done, organization, requestId };
}

export const addition = (record: NumberRecord, sequence = 1): Change[] => [
  { kind: 'add_number', record },
  { kind: 'add_card', card: cardOf(record, sequence) },
];

/** @param query reads the database past the store. */
export async function storeContract(
  place: StorePlace,
  query: (sql: string) => Promise<readonly Record<string, unknown>[]>,
): Promise<void> {
  const store = await openStore(place);
  after(() => store.close());
  const ledger = makeLedger(store.committer);
  const cards = makeCardStore(store.reader);
  const commit = (changes: readonly Change[], organization = ORGANIZATION, id = 'test') =>
    ledger.commit({ changes, audit: auditOf(organization, id) });

  describe('what was committed', () => {
    it('is found by id, by index and by token, byte for byte', async () => {
      const record = numberRecord();
      assert.deepEqual(await commit(addition(record)), { committed: true });
      const { organization, id, panIndex, epoch, token } = record;
      for (const found of [
        await cards.findNumber(organization, id),
        await cards.findNumberByIndex(organization, indexOf(panIndex)),
        await cards.findNumberByToken(organization, epoch, token),
      ]) {
        assert(found);
        assert.deepEqual(Buffer.from(found.panIndex), Buffer.from(record.panIndex));
        assert.deepEqual(Buffer.from(found.sealedPan.bytes), Buffer.from(record.sealedPan.bytes));
        const { sealedPan: _sealed, panIndex: _index, ...plain } = found;
        const { sealedPan: _sealed2, panIndex: _index2, ...expected } = record;
        assert.deepEqual(plain, expected);
      }
    });

    it('is not found under another organization or epoch', async () => {
      const record = numberRecord();
      await commit(addition(record));
      assert.equal(await cards.findNumber(OTHER, record.id), undefined);
      assert.equal(await cards.findNumberByIndex(OTHER, indexOf(record.panIndex)), undefined);
      assert.equal(await cards.findNumberByToken(OTHER, 1, record.token), undefined);
      assert.equal(await cards.findNumberByToken(ORGANIZATION, 2, record.token), undefined);
    });

    it('is found as number and card in one look, many of them at once', async () => {
      const records = [numberRecord(), numberRecord(), numberRecord()];
      const first = records[0]?.id;
      records.push(numberRecord(ORGANIZATION, first)); // Of another lineage than its own.
      for (const record of records) await commit(addition(record, 7));
      const unknown = numberRecord();
      const asked = [...records, unknown, ...records];
      const briefOf = (record: NumberRecord) => ({
        ...{ organization: record.organization, id: record.id, lineage: record.lineage },
        ...{ token: record.token, sealed: Buffer.from(record.sealedPan.bytes).toString('hex') },
      });
      for (const look of [
        (each: NumberRecord, sequence: number, organization = ORGANIZATION) =>
          cards.findCardByIndex(organization, indexOf(each.panIndex), sequence),
        (each: NumberRecord, sequence: number, organization = ORGANIZATION) =>
          cards.findCardByToken(organization, each.epoch, each.token, sequence),
      ]) {
        const found = await Promise.all(asked.map((each) => look(each, 7)));
        for (const [at, each] of asked.entries()) {
          const answer = found[at];
          if (each === unknown) {
            assert.equal(answer, undefined);
            continue;
          }
          assert(answer);
          const { sealedPan, card, ...plain } = answer;
          const sealed = Buffer.from(sealedPan.bytes).toString('hex');
          assert.deepEqual({ ...plain, sealed }, briefOf(each));
          const whole = await cards.findCard(ORGANIZATION, each.id, 7);
          assert.deepEqual([card?.sequence, card?.logo], [7, whole?.logo]);
          const { dataKeyEpoch, bytes = [] } = whole?.sealedDetails ?? {};
          assert.deepEqual(card?.sealedDetails, { dataKeyEpoch, bytes: Buffer.from(bytes) });
        }
        const others = await Promise.all(records.map((each) => look(each, 8)));
        assert.deepEqual(
          others.map((other) => other?.card),
          records.map(() => undefined),
        );
        const elsewhere = await Promise.all(records.map((each) => look(each, 7, OTHER)));
        assert.deepEqual(new Set(elsewhere), new Set([undefined]));
      }
    });

    it('is seen by a read of the same turn of the event loop', async () => {
      const [before, after] = [numberRecord(), numberRecord()];
      await commit(addition(before));
      const find = ({ panIndex }: NumberRecord) =>
        cards.findNumberByIndex(ORGANIZATION, indexOf(panIndex));
      assert(await find(before));
      assert.equal(await find(after), undefined);
      await commit(addition(after));
      assert(await find(after));
    });

    it('lists the cards of a number by sequence and the changes of a lineage by position', async () => {
      const record = numberRecord();
      await commit(addition(record, 3));
      await commit([{ kind: 'add_card', card: cardOf(record, 1) }]);
      const listed = await cards.listCards(ORGANIZATION, record.id);
      assert.deepEqual(
        listed.map(({ sequence }) => sequence),
        [1, 3],
      );
      const terms = listed.map(({ numberId, sequence, expiry, createdAtMs }) => {
        return { numberId, sequence, expiry, createdAtMs };
      });
      assert.deepEqual(bySequence(await cards.listTerms(ORGANIZATION, record.id)), terms);
      const base = {
        organization: ORGANIZATION,
        lineage: record.lineage,
        effectiveAtMs: 1,
        recordedAtMs: 1,
      };
      const changes = [
        { ...base, position: 1, kind: 'opted_out' as const, numberId: record.id },
        { ...base, position: 2, kind: 'renewed' as const, numberId: record.id, sequence: 1 },
      ];
      for (const change of changes) await commit([{ kind: 'add_account_change', change }]);
      assert.deepEqual(await cards.listChanges(ORGANIZATION, record.lineage), changes);
    });

    it('is found with the terms of its cards, many of them at once, and each with its log', async () => {
      const [two, none, other] = [numberRecord(), numberRecord(), numberRecord(OTHER)];
      await commit(addition(two, 3));
      await commit([{ kind: 'add_card', card: cardOf(two, 1) }]);
      await commit(addition(none).slice(0, 1));
      await commit(addition(other, 5), OTHER);
      const change = {
        ...{ organization: ORGANIZATION, lineage: two.lineage, numberId: two.id },
        ...{ position: 1, kind: 'opted_out' as const, effectiveAtMs: 1, recordedAtMs: 1 },
      };
      await commit([{ kind: 'add_account_change', change }]);
      const asked = [two, none, numberRecord(), other, two];
      const found = await Promise.all(
        asked.map(({ panIndex }) => cards.findTermsByIndex(ORGANIZATION, indexOf(panIndex))),
      );
      const cardsOfTwo = await cards.listCards(ORGANIZATION, two.id);
      const terms = cardsOfTwo.map(({ numberId, sequence, expiry, createdAtMs }) => {
        return { numberId, sequence, expiry, createdAtMs };
      });
      assert.deepEqual(
        found.map((each) => each && [each.id, bySequence(each.terms)]),
        [[two.id, terms], [none.id, []], undefined, undefined, [two.id, terms]],
      );
      const logs = await Promise.all(
        asked.map(({ lineage }) => cards.listChanges(ORGANIZATION, lineage)),
      );
      assert.deepEqual(logs, [[change], [], [], [], [change]]);
    });

    it('has its audit record beside it, and a refusal has one, too', async () => {
      const requestId = `request-${randomBytes(8).toString('hex')}`;
      await commit(addition(numberRecord()), ORGANIZATION, requestId);
      await commit([], ORGANIZATION, `${requestId}-refused`);
      const [row] = await query(
        `select count(*) as n from audit_block where records like '%${requestId}%'`,
      );
      assert.ok(Number(row?.n) >= 1);
    });
  });

  describe('a unit that conflicts', () => {
    it('names the promise it would break, and leaves nothing', async () => {
      const record = numberRecord();
      await commit(addition(record));
      const again = numberRecord();
      const cases = [
        [{ ...again, panIndex: record.panIndex }, 'number_taken'],
        [{ ...again, token: record.token }, 'token_taken'],
      ] as const;
      for (const [conflicting, conflict] of cases) {
        const outcome = await commit(addition(conflicting));
        assert.deepEqual(outcome, { committed: false, conflict });
        assert.equal(await cards.findNumber(ORGANIZATION, again.id), undefined);
        assert.deepEqual(await cards.listCards(ORGANIZATION, again.id), []);
      }
      const second = await commit([{ kind: 'add_card', card: cardOf(record) }]);
      assert.deepEqual(second, { committed: false, conflict: 'card_taken' });
    });

    it('does not spoil the others of its batch', async () => {
      const taken = numberRecord();
      await commit(addition(taken));
      const units = Array.from({ length: 40 }, (_, index) => {
        const record = numberRecord(index % 5 === 0 ? OTHER : ORGANIZATION);
        return index % 4 === 1 ? { ...record, panIndex: taken.panIndex } : record;
      });
      const outcomes = await Promise.all(
        units.map((record) => commit(addition(record), record.organization)),
      );
      for (const [index, record] of units.entries()) {
        const found = await cards.findNumber(record.organization, record.id);
        const isTaken = index % 4 === 1 && index % 5 !== 0;
        assert.equal(outcomes[index]?.committed, found !== undefined);
        if (isTaken) assert.equal(found, undefined);
      }
      assert.ok(outcomes.filter(({ committed }) => committed).length >= 30);
    });

    it('of several that add one number at a moment, exactly one is kept', async () => {
      const panIndex = randomBytes(32);
      const units = Array.from({ length: 20 }, () => ({ ...numberRecord(), panIndex }));
      const outcomes = await Promise.all(units.map((record) => commit(addition(record))));
      const kept = outcomes.filter(({ committed }) => committed);
      assert.equal(kept.length, 1);
      assert.ok(
        outcomes.every((outcome) => outcome.committed || outcome.conflict === 'number_taken'),
      );
    });
  });

  it('two nodes on one database: of all that add one number, exactly one is kept', async () => {
    const other = await openStore(place);
    try {
      const ledgers = [ledger, makeLedger(other.committer)];
      const panIndex = randomBytes(32);
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const changes = addition({ ...numberRecord(), panIndex });
          return ledgers[index % 2]?.commit({ changes, audit: auditOf(ORGANIZATION) });
        }),
      );
      assert.equal(outcomes.filter((outcome) => outcome?.committed).length, 1);
    } finally {
      await other.close();
    }
  });

  it('bait comes with the record, and goes again', async () => {
    const record = numberRecord();
    await commit(addition(record));
    for (const isBait of [true, false]) {
      await commit([{ kind: 'set_bait', record, isBait }]);
      const found = await cards.findNumberByToken(ORGANIZATION, record.epoch, record.token);
      assert.equal(found?.bait, isBait ? true : undefined);
      const listed = (await cards.listBait(ORGANIZATION)).map(({ id }) => id);
      assert.equal(listed.includes(record.id), isBait);
    }
    assert.deepEqual(await cards.listBait(OTHER), []);
  });

  it('of two who register on the same view of the directory one is held back', async () => {
    const [row] = await query('select version from directory_version where id = 1');
    const fromVersion = Number(row?.version);
    const count = { kind: 'count_directory_up', fromVersion } as const;
    const other = await openStore(place);
    try {
      const outcomes = await Promise.all([
        commit([count]),
        makeLedger(other.committer).commit({ changes: [count], audit: auditOf(OTHER) }),
      ]);
      const kept = outcomes.filter(({ committed }) => committed);
      assert.equal(kept.length, 1);
      assert.ok(outcomes.some((each) => !each.committed && each.conflict === 'claim_lost'));
    } finally {
      await other.close();
    }
  });

  it('the audit chains have no gap', async () => {
    const rows = await query(
      `select chain, min(position) as low, max(position) as high, count(*) as n
       from audit_block group by chain`,
    );
    assert.ok(rows.length > 0);
    for (const { low, high, n } of rows) {
      assert.equal(Number(low), 1);
      assert.equal(Number(high), Number(n));
    }
  });

  describe('the schema', () => {
    it('is up to date once the store was opened, and nodes that start together agree', async () => {
      const applied = await Promise.all([1, 2, 3].map(() => useSchema(place, migrate)));
      assert.deepEqual(applied, [[], [], []]);
      assert.deepEqual((await useSchema(place, schemaStatus)).pending, []);
    });

    it('of a newer program is refused', async () => {
      await useSchema(place, (schema) =>
        schema.run('insert into schema_version (version, applied_at) values (9000, 0)'),
      );
      await assert.rejects(openStore(place), /newer program/);
      await assert.rejects(useSchema(place, schemaStatus), /newer program/);
      await useSchema(place, (schema) =>
        schema.run('delete from schema_version where version = 9000'),
      );
    });
  });
}

function bySequence(terms: readonly CardTerms[]): readonly CardTerms[] {
  return terms.toSorted((a, b) => a.sequence - b.sequence);
}
