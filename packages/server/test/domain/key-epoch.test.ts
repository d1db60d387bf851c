import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Refusal, type RefusalCode } from '../../src/domain/error.ts';
import {
  activeEpoch,
  CLOSED_MS_MIN,
  DATA_KEY_REST_MS,
  demandClosable,
  demandDataKeyDestroyable,
  demandDestroyable,
  destroyedWithMarkOf,
  type KeyEpoch,
  type KeyState,
  keyedAlphabets,
  nextEpoch,
  planRotation,
  QUIET_DAYS_DEFAULT,
} from '../../src/domain/key-epoch.ts';
import { parseFormats, type TokenFormatSpec } from '../../src/domain/token-format.ts';

const STATES: readonly KeyState[] = ['pre-active', 'active', 'open-only', 'closed', 'destroyed'];
const DAY_MS = 86_400_000;
const NOW_MS = 2_000 * DAY_MS;

const keyed = (alphabet: 'numeric' | 'alphanumeric'): TokenFormatSpec => ({
  engine: 'keyed',
  alphabet,
  keepFirst: 6,
  keepLast: 4,
});
const NUMERIC = parseFormats([keyed('numeric')]);
const ALPHANUMERIC = parseFormats([keyed('alphanumeric')]);
const BOTH = parseFormats([keyed('numeric'), keyed('alphanumeric')]);
const RANDOM = parseFormats([{ ...keyed('numeric'), engine: 'random' }]);

function epochOf(epoch: number, state: KeyState, more: Partial<KeyEpoch> = {}): KeyEpoch {
  const times = { createdAtMs: 0, stateSinceMs: 0, seenCount: 0, lastSeenAtMs: undefined };
  return { epoch, state, ...times, ...more };
}

/** Epochs 1 to count, the last one active, the others in a state of one's choice. */
function series(count: number, stateOf: (epoch: number) => KeyState): KeyEpoch[] {
  return Array.from({ length: count }, (_, index) =>
    epochOf(index + 1, index + 1 === count ? 'active' : stateOf(index + 1)),
  );
}

const refusal = (code: RefusalCode, facts?: object) => (error: unknown) => {
  assert(error instanceof Refusal);
  assert.equal(error.code, code);
  if (facts !== undefined) {
    for (const [name, value] of Object.entries(facts)) assert.equal(error.facts[name], value);
  }
  return true;
};

describe('a rotation', () => {
  it('takes the epoch that waits before it makes another one', () => {
    const epochs = [epochOf(1, 'active'), epochOf(2, 'pre-active')];
    assert.deepEqual(planRotation(epochs, BOTH), { epoch: 2, isNew: false });
    assert.deepEqual(planRotation(epochs.slice(0, 1), BOTH), { epoch: 2, isNew: true });
  });

  it('of numeric tokens has 9 epochs, and names the one in the way of the tenth', () => {
    for (let count = 1; count < 9; count++) {
      const epochs = series(count, () => 'open-only');
      assert.deepEqual(planRotation(epochs, NUMERIC), { epoch: count + 1, isNew: true });
    }
    for (const state of STATES.filter((each) => each !== 'destroyed' && each !== 'pre-active')) {
      const epochs = series(9, (epoch) => (epoch === 1 ? state : 'destroyed'));
      const wanted = refusal('EPOCH_MARK_TAKEN', { epoch: 10, inTheWay: '1' });
      assert.throws(() => planRotation(epochs, NUMERIC), wanted);
      assert.throws(() => planRotation(epochs, BOTH), wanted);
      // Letters have room for 26, and drawn tokens have no marks.
      assert.equal(planRotation(epochs, ALPHANUMERIC).epoch, 10);
      assert.equal(planRotation(epochs, RANDOM).epoch, 10);
    }
    const gone = series(9, (epoch) => (epoch === 1 ? 'destroyed' : 'open-only'));
    assert.deepEqual(planRotation(gone, NUMERIC), { epoch: 10, isNew: true });
  });

  it('of alphanumeric tokens has 26 epochs', () => {
    for (let count = 1; count < 26; count++) {
      assert.equal(
        planRotation(
          series(count, () => 'closed'),
          ALPHANUMERIC,
        ).epoch,
        count + 1,
      );
    }
    const full = series(26, () => 'open-only');
    const wanted = refusal('EPOCH_MARK_TAKEN', { epoch: 27, inTheWay: '1' });
    assert.throws(() => planRotation(full, ALPHANUMERIC), wanted);
    assert.throws(() => planRotation(full, RANDOM), wanted); // The known answer has a letter.
  });

  it('never lets two living epochs share a mark, whatever was destroyed in between', () => {
    const states = fc.array(fc.constantFrom<KeyState>('open-only', 'closed', 'destroyed'), {
      minLength: 0,
      maxLength: 60,
    });
    fc.assert(
      fc.property(states, fc.constantFrom(NUMERIC, ALPHANUMERIC, BOTH), (before, formats) => {
        const epochs = series(before.length + 1, (epoch) => before[epoch - 1] ?? 'destroyed');
        const living = epochs.filter(({ state }) => state !== 'destroyed');
        const next = nextEpoch(epochs);
        const residues = keyedAlphabets(formats).includes('numeric');
        const taken = living.filter(
          ({ epoch }) => (next - epoch) % 26 === 0 || (residues && (next - epoch) % 9 === 0),
        );
        if (taken.length === 0) assert.equal(planRotation(epochs, formats).epoch, next);
        else {
          const inTheWay = taken.map(({ epoch }) => epoch).join(', ');
          assert.throws(
            () => planRotation(epochs, formats),
            refusal('EPOCH_MARK_TAKEN', { inTheWay }),
          );
        }
      }),
    );
  });

  it('needs exactly one key that makes', () => {
    assert.throws(() => activeEpoch([epochOf(1, 'closed')]));
    assert.throws(() => activeEpoch([epochOf(1, 'active'), epochOf(2, 'active')]));
    assert.equal(activeEpoch(series(3, () => 'closed')).epoch, 3);
  });
});

describe('the end of an epoch', () => {
  it('begins with closing, from open-only and from nowhere else', () => {
    for (const state of STATES) {
      const close = () => demandClosable([epochOf(1, state)], 1);
      if (state === 'open-only') assert.equal(close().epoch, 1);
      else assert.throws(close, refusal('EPOCH_STATE', { state, needed: 'open-only' }));
    }
    assert.throws(() => demandClosable([epochOf(1, 'open-only')], 2), refusal('EPOCH_UNKNOWN'));
  });

  it('ends with destroying, from closed, or from pre-active, where it made nothing', () => {
    const rules = { nowMs: NOW_MS, quietDays: QUIET_DAYS_DEFAULT, cardCount: 0 };
    for (const state of STATES) {
      const destroy = () => demandDestroyable([epochOf(1, state)], 1, rules);
      if (state === 'closed' || state === 'pre-active') assert.equal(destroy().epoch, 1);
      else assert.throws(destroy, refusal('EPOCH_STATE', { state }));
    }
    assert.throws(() => demandDestroyable([], 1, rules), refusal('EPOCH_UNKNOWN'));
  });

  it('is refused while a card needs it, whatever is overridden', () => {
    const rules = { nowMs: NOW_MS, quietDays: 0, cardCount: 1 };
    const wanted = refusal('EPOCH_IN_USE', { cardCount: 1 });
    assert.throws(() => demandDestroyable([epochOf(1, 'closed')], 1, rules), wanted);
  });

  it('waits 540 days from closing, and from each token seen since', () => {
    const rules = { nowMs: NOW_MS, quietDays: QUIET_DAYS_DEFAULT, cardCount: 0 };
    const destroy = (more: Partial<KeyEpoch>) =>
      demandDestroyable([epochOf(1, 'closed', more)], 1, rules);
    const limitMs = NOW_MS - 540 * DAY_MS;
    assert.equal(destroy({ stateSinceMs: limitMs }).epoch, 1);
    assert.throws(() => destroy({ stateSinceMs: limitMs + 1 }), refusal('EPOCH_NOT_QUIET'));
    const seen = { seenCount: 3, lastSeenAtMs: limitMs + 1 };
    assert.throws(() => destroy(seen), refusal('EPOCH_NOT_QUIET', { seenCount: 3 }));
    assert.equal(destroy({ seenCount: 3, lastSeenAtMs: limitMs }).epoch, 1);
  });

  it('by override still waits until every node knows that it is closed', () => {
    const rules = { nowMs: NOW_MS, quietDays: 0, cardCount: 0 };
    const destroy = (stateSinceMs: number) =>
      demandDestroyable([epochOf(1, 'closed', { stateSinceMs, lastSeenAtMs: NOW_MS })], 1, rules);
    assert.equal(destroy(NOW_MS - CLOSED_MS_MIN).epoch, 1);
    assert.throws(() => destroy(NOW_MS - CLOSED_MS_MIN + 1), refusal('EPOCH_NOT_QUIET'));
  });

  it('of a data key comes when nothing is sealed under it and it has rested', () => {
    const destroy = (state: KeyState, sealedCount: number, stateSinceMs: number) =>
      demandDataKeyDestroyable([epochOf(1, state, { stateSinceMs })], 1, {
        nowMs: NOW_MS,
        sealedCount,
      });
    const longAgo = NOW_MS - DATA_KEY_REST_MS;
    for (const state of STATES.filter((each) => each !== 'open-only')) {
      assert.throws(() => destroy(state, 0, longAgo), refusal('EPOCH_STATE'));
    }
    assert.throws(() => destroy('open-only', 1, longAgo), refusal('EPOCH_IN_USE'));
    assert.throws(() => destroy('open-only', 0, longAgo + 1), refusal('EPOCH_NOT_QUIET'));
    assert.equal(destroy('open-only', 0, longAgo).epoch, 1);
  });

  it('leaves a mark that tells which epochs a token may have been of', () => {
    assert.deepEqual(destroyedWithMarkOf('numeric', [1, 2, 10, 19], '1'), [19, 10, 1]);
    assert.deepEqual(destroyedWithMarkOf('alphanumeric', [1, 2, 27], 'A'), [27, 1]);
    assert.deepEqual(destroyedWithMarkOf('alphanumeric', [1], 'B'), []);
  });
});
