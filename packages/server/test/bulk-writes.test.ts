import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gatherWrites } from '../src/store/bulk-writes.ts';
import type { EncodedUnit } from '../src/store/ledger.ts';
import type { Write } from '../src/store/statements.ts';

const unitOf = (...writes: Write[]): EncodedUnit => ({
  organization: 100,
  writes,
  auditLine: '{}',
});
const nonce = (caller: string, value: string): Write => ({
  name: 'addNonce',
  values: [caller, value, 7],
});
const charge = (who: string, card: number): Write => ({
  name: 'addCharge',
  values: [1, who, card, 3, 'node'],
});
const forget: Write = { name: 'forgetNonces', values: [5] };

describe('writes of a batch', () => {
  it('of one name and one distribution key are put together, the key first', () => {
    const { together, apart } = gatherWrites([
      unitOf(nonce('a', '1'), charge('caller:a', 10)),
      unitOf(nonce('b', '2')),
      unitOf(nonce('a', '3'), charge('caller:a', 11), forget),
    ]);
    assert.deepEqual(together, [
      { name: 'addNonce', values: ['a', ['1', '3'], [7, 7]] },
      {
        name: 'addCharge',
        values: ['caller:a', [1, 1], [10, 11], [3, 3], ['node', 'node']],
      },
    ]);
    assert.deepEqual(apart, [[], [nonce('b', '2')], [forget]]);
  });

  it('stay what they are where there is nothing to put together', () => {
    const units = [unitOf(nonce('a', '1'), forget), unitOf(), unitOf(charge('caller:a', 1))];
    const { together, apart } = gatherWrites(units);
    assert.deepEqual(together, []);
    assert.deepEqual(
      apart,
      units.map(({ writes }) => writes),
    );
  });
});
