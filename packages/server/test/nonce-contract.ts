/**
 * What every engine promises of the nonces of signed requests: run by store-sqlite.test.ts and
 * store-postgres.test.ts beside the store contract.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { parseOrganizationNumber } from '../src/domain/organization-number.ts';
import { makeSignedNonce } from '../src/domain/signed-nonce.ts';
import { makeLedger } from '../src/store/ledger.ts';
import { openStore, type StorePlace } from '../src/store/place.ts';
import type { Change, CommitOutcome, Ledger } from '../src/usecase/ports.ts';
import { addition, auditOf, numberRecord } from './store-contract.ts';

const ORGANIZATION = parseOrganizationNumber(100);
const COMMITTED: CommitOutcome = { committed: true };
const TAKEN: CommitOutcome = { committed: false, conflict: 'nonce_taken' };

export async function nonceContract(place: StorePlace): Promise<void> {
  const first = await openNode(place);
  const second = await openNode(place);

  const take = (value: string, signedAtMs = Date.now(), callerId = 'a'): Change => ({
    kind: 'add_nonce',
    nonce: makeSignedNonce(callerId, value, signedAtMs),
  });

  describe('a nonce', () => {
    it('is taken once, on whatever node and with whatever time stamp', async () => {
      const value = randomUUID();
      assert.deepEqual(await first.commit([take(value)]), COMMITTED);
      for (const { commit } of [second, first]) {
        for (const offMs of [0, -240_000, 240_000]) {
          assert.deepEqual(await commit([take(value, Date.now() + offMs)]), TAKEN, String(offMs));
        }
      }
      assert.deepEqual(await second.commit([take(value, Date.now(), 'b')]), COMMITTED);
      const third = await openNode(place);
      assert.deepEqual(await third.commit([take(value)]), TAKEN);
    });

    it('is taken once of many units that come at once, on two nodes', async () => {
      const values = Array.from({ length: 100 }, () => randomUUID());
      const asked = values.flatMap((value, index) => [
        first.commit([take(value, Date.now() + index)]),
        second.commit([take(value, Date.now() - index)]),
        first.commit([take(value)]),
      ]);
      const outcomes = await Promise.all(asked);
      for (let at = 0; at < outcomes.length; at += 3) {
        const kept = outcomes.slice(at, at + 3).filter(({ committed }) => committed);
        assert.equal(kept.length, 1, String(at));
      }
    });

    it('that was taken holds up none of those that come with it', async () => {
      const values = Array.from({ length: 40 }, () => randomUUID());
      const taken = values.filter((_, index) => index % 13 === 5);
      for (const value of taken) assert.deepEqual(await second.commit([take(value)]), COMMITTED);
      const callers = ['a', 'c'];
      const asked = values.flatMap((value) =>
        callers.map((callerId) => ({
          outcome: first.commit([take(value, Date.now(), callerId)]),
          expected: taken.includes(value) && callerId === 'a' ? TAKEN : COMMITTED,
        })),
      );
      for (const { outcome, expected } of asked) assert.deepEqual(await outcome, expected);
    });

    it('that is over and still there holds up none of those that come with it', async () => {
      const [over, innocent] = [randomUUID(), randomUUID()];
      assert.deepEqual(await first.commit([take(over, Date.now() - 3_600_000)]), COMMITTED);
      const forget: Change = { kind: 'forget_nonces', expiredBeforeMs: Date.now() };
      const outcomes = await Promise.all([
        first.commit([take(randomUUID()), forget]),
        first.commit([take(over)]),
        first.commit([take(innocent)]),
      ]);
      assert.deepEqual([outcomes[0], outcomes[2]], [COMMITTED, COMMITTED]);
      assert.deepEqual(await second.commit([take(innocent)]), TAKEN);
    });

    it('is free again when the rest of its unit could not be kept', async () => {
      const [value, later] = [randomUUID(), randomUUID()];
      const record = numberRecord();
      assert.deepEqual(await first.commit(addition(record)), COMMITTED);
      const again = { ...numberRecord(), panIndex: record.panIndex };
      const conflict: CommitOutcome = { committed: false, conflict: 'number_taken' };
      const outcomes = await Promise.all([
        first.commit([take(value), ...addition(again)]),
        first.commit([take(later)]),
        first.commit([take(value)]),
      ]);
      assert.deepEqual(outcomes, [conflict, COMMITTED, COMMITTED]);
      assert.deepEqual(await second.commit([take(value), ...addition(again)]), TAKEN);
    });

    it('is forgotten when it is over, and only then', async () => {
      const [old, living] = [randomUUID(), randomUUID()];
      const longAgoMs = Date.now() - 3_600_000;
      assert.deepEqual(await first.commit([take(old, longAgoMs)]), COMMITTED);
      assert.deepEqual(await second.commit([take(old, longAgoMs)]), TAKEN);
      assert.deepEqual(await first.commit([take(living)]), COMMITTED);
      const forget: Change = { kind: 'forget_nonces', expiredBeforeMs: Date.now() };
      assert.deepEqual(await second.commit([take(randomUUID()), forget]), COMMITTED);
      assert.deepEqual(await second.commit([take(old)]), COMMITTED);
      for (const { commit } of [first, second])
        assert.deepEqual(await commit([take(living)]), TAKEN);
    });
  });
}

async function openNode(
  place: StorePlace,
): Promise<{ commit(changes: readonly Change[]): ReturnType<Ledger['commit']> }> {
  const store = await openStore(place);
  after(() => store.close());
  const ledger = makeLedger(store.committer);
  return {
    commit: (changes) => ledger.commit({ changes, audit: auditOf(ORGANIZATION, randomUUID()) }),
  };
}
