import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkAnswer } from './harness/fuzz-answers.ts';
import type { Operation } from './harness/fuzz-operations.ts';
import { BIN, panOf } from './harness/numbers.ts';
import { encodingsOf, makePanRegistry } from './harness/pan-registry.ts';

const NUMBERS = [panOf(BIN.mastercard, 1), panOf(BIN.visa, 123_456, 19), panOf(BIN.off, 77, 15)];

describe('the scan for card numbers', () => {
  for (const digits of NUMBERS) {
    for (const [encoding, bytes] of encodingsOf(digits)) {
      it(`finds a number of ${digits.length} digits as ${encoding}`, () => {
        const registry = makePanRegistry();
        for (const each of NUMBERS) registry.add(each);
        for (const before of [0, 1, 5]) {
          const written = Buffer.concat([Buffer.alloc(before, 'x'), bytes, Buffer.alloc(3, 'y')]);
          const found = registry.find('a file', written);
          assert(found.some((each) => each.encoding === encoding));
        }
      });
    }
  }

  it('finds nothing in tokens and masked numbers', () => {
    const registry = makePanRegistry();
    registry.add('5402080000000018');
    const written = Buffer.from('540208******0018 000540208A000UI0018 {"length":16}');
    assert.deepEqual(registry.find('a file', written), []);
  });

  it('takes numbers out of the fields that hold some, and leaves numeric tokens', () => {
    const registry = makePanRegistry();
    const [pan = ''] = NUMBERS;
    registry.addFromJson(JSON.stringify({ data: { cardNumber: pan.padStart(19, '0') } }));
    registry.addFromJson(JSON.stringify({ cardNumber: '0005273461234567891', atMs: 1 }));
    assert.equal(registry.size, 1);
    assert.equal(registry.find('a file', Buffer.from(`x${pan}x`)).length, 1);
  });
});

describe('the check of an answer to a fuzzed request', () => {
  const operation: Operation = {
    method: 'POST',
    path: '/v1/account-changes',
    contentType: 'application/json',
    body: {},
    answers: { 200: () => true },
  };
  const check = (fields: object, isForeign: (digits: string) => boolean, headers = {}) =>
    checkAnswer(
      operation,
      { status: 200, headers, text: JSON.stringify(fields) },
      { isNumberDue: false, isForeign },
    );
  const [pan = ''] = NUMBERS;
  const never = () => false;

  it('finds the number of a card in whatever field, and in headers', () => {
    const isCard = (digits: string) => digits === pan;
    for (const name of ['reference', 'panid', 'who', 'cardNumber']) {
      assert.throws(() => check({ [name]: pan }, isCard), /a card number is shown/, name);
    }
    assert.throws(() => check({ cardNumber: pan.padStart(19, '0') }, isCard), /is shown/);
    assert.throws(() => check({}, isCard, { 'x-request-id': pan }), /is shown/);
  });

  it('finds what only looks like one, but not in ids and moments', () => {
    assert.throws(() => check({ reference: pan }, never), /a card number is shown/);
    check({ panid: `${pan}abcdef${pan}`.slice(0, 32), atMs: Date.now() }, never);
    check({ requestId: '01234567-89ab-7cde-8f01-540208000018' }, never);
  });
});
