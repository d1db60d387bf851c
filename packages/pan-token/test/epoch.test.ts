import { deepEqual, equal, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Alphabet, epochsInTheWay, epochsSharingMark, markOf } from '../src/index.ts';

describe('the mark of an epoch', () => {
  it('is one of 26 letters, and begins again with A', () => {
    const marks = Array.from({ length: 53 }, (_, index) => markOf('alphanumeric', index + 1));
    equal(marks.join(''), 'ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZA');
  });

  it('is one of 9 residues, and begins again with 1; it is never 0', () => {
    const marks = Array.from({ length: 19 }, (_, index) => markOf('numeric', index + 1));
    equal(marks.join(''), '1234567891234567891');
  });

  it('exists for integers from 1 only, in the two alphabets only', () => {
    for (const epoch of [0, -1, 1.5, Number.NaN, 2 ** 53, '1' as unknown as number]) {
      throws(() => markOf('numeric', epoch), /^RangeError: epoch must be an integer from 1$/);
    }
    equal(markOf('numeric', 2 ** 53 - 1), '4');
    for (const alphabet of ['hex', 'toString', undefined]) {
      throws(() => markOf(alphabet as Alphabet, 1), /^RangeError: alphabet must be/);
    }
  });
});

describe('an epoch to be created', () => {
  it('is free when no living epoch has its letter', () => {
    deepEqual(epochsInTheWay(10, [1, 2, 9], ['alphanumeric']), []);
    deepEqual(epochsInTheWay(10, [1, 2, 9], []), []);
    deepEqual(epochsInTheWay(1, [], ['numeric', 'alphanumeric']), []);
  });

  it('is told which living epochs have its letter, whatever the formats', () => {
    deepEqual(epochsInTheWay(53, [27, 30, 1], []), [1, 27]);
    deepEqual(epochsInTheWay(53, [27, 30, 1], ['alphanumeric']), [1, 27]);
    deepEqual(epochsInTheWay(27, [1], ['numeric']), [1]);
  });

  it('is told which have its residue, where a keyed numeric format counts', () => {
    deepEqual(epochsInTheWay(10, [9, 2, 1], ['numeric']), [1]);
    deepEqual(epochsInTheWay(28, [19, 2, 10, 1, 3], ['numeric', 'alphanumeric']), [1, 2, 10, 19]);
  });

  it('is in its own way when it lives, and named once', () => {
    deepEqual(epochsInTheWay(3, [3], []), [3]);
    deepEqual(epochsInTheWay(3, [3, 3], ['numeric']), [3]);
  });

  it('is sorted by number, not by text', () => {
    deepEqual(epochsInTheWay(127, [101, 23, 75], []), [23, 75, 101]);
  });

  it('must be an epoch', () => {
    throws(() => epochsInTheWay(0, [1], []), /^RangeError: epoch/);
    throws(() => epochsInTheWay(1, [0], []), /^RangeError: epoch/);
  });
});

describe('living epochs', () => {
  it('share a mark when their numbers differ by 9, or by 26', () => {
    deepEqual(epochsSharingMark('numeric', [1, 2, 10]), [1, 10]);
    deepEqual(epochsSharingMark('alphanumeric', [1, 2, 10]), []);
    deepEqual(epochsSharingMark('alphanumeric', [28, 3, 2, 54]), [2, 28, 54]);
    deepEqual(epochsSharingMark('numeric', [1, 2, 3, 4, 5, 6, 7, 8, 9]), []);
    deepEqual(epochsSharingMark('numeric', [101, 11, 92]), [11, 92, 101]);
  });

  it('share a mark with themselves when they are there twice', () => {
    deepEqual(epochsSharingMark('alphanumeric', [3, 3]), [3]);
  });
});
