import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeMastercardSource } from '../../src/connectors/mastercard-abu.ts';
import { replacementOf } from '../../src/domain/sandbox-cards.ts';
import { inquiryOf, startMastercard, wordOf } from '../harness/simulated-schemes.ts';

const { server, source, options, spelling } = await startMastercard();

const withLast = (digit: number) => `510000000000000${digit}`;

describe('the connector to Mastercard', () => {
  for (const name of ['schema', 'examples'] as const) {
    it(`gives the letter of each last digit, in the spelling of the ${name}`, async () => {
      spelling.now = name;
      const digits = [0, 1, 2, 3, 4, 5, 6, 7, 9];
      const outcomes = await source.inquire(digits.map((digit) => inquiryOf(withLast(digit))));
      assert.deepEqual(outcomes.map(wordOf), [
        ...['A', 'N', 'V', 'A', 'C', 'E', 'UPSTREAM_REFUSED SYSTEM_ERROR', 'P', 'V'],
      ]);
      const [replaced] = outcomes;
      assert.equal(replaced?.update?.newNumber?.reveal(), replacementOf(withLast(0)));
      assert.equal(replaced?.update?.newExpiry, 203112);
      assert.equal(outcomes[5]?.update?.newExpiry, 203112);
    });
  }

  it('tells CONTACT as Q where that is set', async () => {
    const other = makeMastercardSource({ ...options, contactLetter: 'Q' });
    assert.deepEqual((await other.inquire([inquiryOf(withLast(4))])).map(wordOf), ['Q']);
    other.close();
  });

  it('tells a time-out after three attempts', async () => {
    const before = server.callCount;
    const [outcome] = await source.inquire([inquiryOf(withLast(8))]);
    assert.match(wordOf(outcome), /^UPSTREAM_TIMEOUT/);
    assert.equal(server.callCount, before + 3);
  });

  it('asks one account a call, and no more at once than it may', async () => {
    const before = server.callCount;
    server.setFault({ delayMs: 30, kind: undefined } as object);
    const many = Array.from({ length: 40 }, (_, index) => inquiryOf(`51000000000${1000 + index}2`));
    const words = (await source.inquire(many)).map(wordOf);
    server.setFault(undefined);
    assert.deepEqual([...new Set(words)], ['V']);
    assert.equal(server.callCount, before + 40);
    assert(server.callsAtOnceMax <= options.callsAtOnce, `${server.callsAtOnceMax}`);
  });

  it('is refused with the key of another, and tells who is not enrolled', async () => {
    const wrong = makeMastercardSource({ ...options, consumerKey: 'another' });
    const [outcome] = await wrong.inquire([inquiryOf(withLast(2))]);
    assert.equal(wordOf(outcome), 'UPSTREAM_CREDENTIALS_REFUSED AUTHENTICATION_FAILED');
    wrong.close();
    const words = (
      await source.inquire([inquiryOf(withLast(2), 'stranger'), inquiryOf(withLast(2), 'other')])
    ).map(wordOf);
    assert.deepEqual(words, ['UPSTREAM_NOT_ENROLLED LOCAL', 'UPSTREAM_REFUSED INVALID_ICA']);
  });

  it('subscribes and unsubscribes', async () => {
    assert.deepEqual(await source.subscribe([inquiryOf(withLast(2))]), [undefined]);
    assert.deepEqual(await source.unsubscribe([inquiryOf(withLast(2))]), [undefined]);
  });

  it('reads a push as a hint', async () => {
    const body = Buffer.from(JSON.stringify({ oldAccountNumber: withLast(2) }));
    const { hints } = await source.handleCallback(body);
    assert.deepEqual(
      hints.map(({ number }) => number.reveal()),
      [withLast(2)],
    );
    await assert.rejects(source.handleCallback(Buffer.from('{}')), { code: 'REQUEST_INVALID' });
  });
});
