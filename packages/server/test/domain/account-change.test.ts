import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AccountChange,
  type AccountChangeKind,
  effectiveChanges,
  followNumber,
} from '../../src/domain/account-change.ts';
import { type Expiry, parseExpiry } from '../../src/domain/expiry.ts';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import type { RecordId } from '../../src/domain/record-id.ts';
import { validationStatus } from '../../src/domain/validation.ts';

const FIRST = 'first' as RecordId;
const merchantId = '0'.repeat(32);
const expiry = parseExpiry('11', '2028');
const renewed = parseExpiry('11', '2033');

/** A log in words; each `replaced` leads to the next number. */
function stateAfter(...kinds: AccountChangeKind[]) {
  let numberId = FIRST;
  const changes = kinds.map((kind, index): AccountChange => {
    const isNew = kind === 'replaced';
    const newNumberId = `number ${index}` as RecordId;
    const change = {
      organization: 100 as OrganizationNumber,
      lineage: FIRST,
      position: index + 1,
      kind,
      numberId,
      ...(isNew && { newNumberId }),
      effectiveAtMs: index,
      recordedAtMs: index,
    };
    if (isNew) numberId = newNumberId;
    return change;
  });
  return followNumber(FIRST, effectiveChanges(changes, Number.POSITIVE_INFINITY));
}

describe('the log of a lineage', () => {
  it('of nothing leaves the first number as it is', () => {
    assert.deepEqual(stateAfter(), {
      newestNumberId: FIRST,
      closed: false,
      contactCardholder: false,
      optedOut: false,
      next: undefined,
      stoppedMerchants: new Set(),
    });
  });

  it('follows the numbers to the newest one', () => {
    const state = stateAfter('replaced', 'renewed', 'replaced');
    assert.equal(state.newestNumberId, 'number 2');
  });
});

/** [what happened, what a merchant with the first number and the first expiry is told] */
const CASES: readonly (readonly [AccountChangeKind[], string])[] = [
  [[], 'V'],
  [['renewed'], 'E'],
  [['replaced'], 'A'],
  [['replaced', 'renewed'], 'A'],
  [['renewed', 'replaced'], 'A'],
  [['closed'], 'C'],
  [['replaced', 'closed'], 'C'],
  [['closed', 'contact_cardholder'], 'C'],
  [['contact_cardholder'], 'Q'],
  [['contact_cardholder', 'replaced'], 'A'],
  [['contact_cardholder', 'renewed'], 'E'],
  [['replaced', 'contact_cardholder'], 'Q'],
  [['renewed', 'contact_cardholder'], 'Q'],
  [['opted_out'], 'O'],
  [['opted_out', 'replaced'], 'O'],
  [['opted_out', 'closed'], 'O'],
  [['closed', 'opted_out'], 'O'],
  [['opted_out', 'contact_cardholder'], 'O'],
  [['opted_out', 'opted_in'], 'V'],
  [['opted_out', 'replaced', 'opted_in'], 'A'],
  [['opted_out', 'opted_in', 'closed'], 'C'],
  [['opted_out', 'opted_in', 'opted_out'], 'O'],
];

describe('what a merchant is told', () => {
  for (const [kinds, status] of CASES) {
    it(`is ${status} after ${kinds.join(', ') || 'nothing'}`, () => {
      const state = stateAfter(...kinds);
      const now = kinds.includes('renewed') ? renewed : expiry;
      assert.equal(validationStatus({ numberId: FIRST, expiry, merchantId }, state, [now]), status);
    });
  }

  it('is V to who asks with the newest number and expiry, whatever went before', () => {
    const state = stateAfter('contact_cardholder', 'replaced', 'renewed');
    const asked = { numberId: state.newestNumberId, expiry: renewed, merchantId };
    assert.equal(validationStatus(asked, state, [renewed]), 'V');
  });

  it('is V when one of several cards with the number has that expiry', () => {
    const asked = { numberId: FIRST, expiry, merchantId };
    const other = 203001 as Expiry;
    assert.equal(validationStatus(asked, stateAfter(), [other, expiry]), 'V');
    assert.equal(validationStatus(asked, stateAfter(), [other]), 'E');
  });
});
