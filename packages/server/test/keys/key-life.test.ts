import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { luhnResidue } from '@pantoken/pan-token';
import { Refusal, type RefusalCode } from '../../src/domain/error.ts';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import {
  inDays,
  KEY_OPERATOR,
  NO_REPORT,
  newToken,
  rotate,
  until,
  withKeyTools,
} from '../harness/key-tools.ts';
import { startService } from '../harness/service.ts';

const LETTERS = 100 as OrganizationNumber;
const DIGITS = 200 as OrganizationNumber;

const letterOf = (token: string) => token[6] ?? '';
const residueOf = (token: string) => String(luhnResidue(token));

const refusal = (code: RefusalCode) => (error: unknown) =>
  error instanceof Refusal && error.code === code;

const rotating = await startService();
const ending = await startService();

describe('a rotation', () => {
  const test = rotating;

  it('changes the tokens of new cards, and of new cards only', async () => {
    const old = await newToken(test, LETTERS);
    assert.equal(letterOf(old), 'A');
    const pan = (await test.issuer.numberOf(LETTERS, old)).data.cardNumber;
    assert.equal(await rotate(test, LETTERS, letterOf), 2);
    assert.equal(letterOf(await newToken(test, LETTERS)), 'B');
    assert.equal((await test.issuer.numberOf(LETTERS, old)).data.cardNumber, pan);
    const asked = await test.issuer.tokenOf(LETTERS, pan);
    assert.equal(asked.data.panToken.replace(/^0+/, ''), old);
    // One more card of the same number has the token of the number.
    const again = await test.issuer.create({ cardNumber: pan.replace(/^0+/, ''), cardSequence: 2 });
    assert.equal(again.data.cardNumber.replace(/^0+/, ''), old);
  });

  it('is on record, with the key it was about', () => {
    const actions = test.audit().filter(({ key }) => key === 'token key 2 of organization 100');
    assert.deepEqual(
      actions.map(({ action, outcome }) => `${action} ${outcome}`),
      ['add_key done', 'activate_key done'],
    );
  });

  it('that was interrupted goes on with the key that waits', async () => {
    const stop = { pause: () => Promise.reject(new Error('stopped here')) };
    const rotation = withKeyTools(test, (tools) => tools.rotate(KEY_OPERATOR, LETTERS), stop);
    await assert.rejects(rotation, /stopped here/);
    const states = () =>
      test.rows("select state from key_epoch where organization = 100 and purpose = 'token'");
    assert.deepEqual(
      states().map(({ state }) => state),
      ['open-only', 'active', 'pre-active'],
    );
    assert.equal(await rotate(test, LETTERS, letterOf), 3);
    assert.deepEqual(
      states().map(({ state }) => state),
      ['open-only', 'open-only', 'active'],
    );
  });
});

describe('the end of an epoch', () => {
  const test = ending;
  let old: string;
  let pan: string;
  before(async () => {
    old = await newToken(test, LETTERS);
    pan = (await test.issuer.numberOf(LETTERS, old)).data.cardNumber;
    await rotate(test, LETTERS, letterOf);
  });

  /** Cards whose token is of the first epoch. */
  const ofFirst = () => {
    const sql = 'select count(*) as n from card_number where organization = 100 and epoch = 1';
    return Number(test.rows(sql)[0]?.n);
  };
  const seen = () =>
    withKeyTools(test, async (tools) => {
      const { keys } = await tools.list(KEY_OPERATOR, LETTERS);
      return keys.find(({ purpose, epoch }) => purpose === 'token' && epoch === 1)?.seenCount;
    });

  it('cannot be its destruction while it opens, or a card needs it', async () => {
    const request = { organization: LETTERS, purpose: 'token', epoch: 1, quietDays: 0 } as const;
    await withKeyTools(test, async (tools) => {
      const destroy = () => tools.destroy(KEY_OPERATOR, request);
      await assert.rejects(destroy(), refusal('EPOCH_STATE'));
      assert.deepEqual(await tools.closeKey(KEY_OPERATOR, LETTERS, 1), { cardCount: ofFirst() });
      await assert.rejects(destroy(), refusal('EPOCH_IN_USE'));
    });
  });

  it('refuses its tokens with a code of their own, and counts what opens and is on record', async () => {
    await until(async () => (await test.issuer.numberOf(LETTERS, old)).status !== 200);
    const first = await seen();
    const refused = await test.issuer.numberOf(LETTERS, old);
    assert.equal(refused.status, 422);
    assert.equal(refused.code, 'TOKEN_EPOCH_CLOSED');
    assert.equal(await seen(), Number(first) + 1);
    // The right shape and letter, and on record nowhere: refused, and not counted.
    const forged = `${old.slice(0, -5)}${old.at(-5) === '0' ? '1' : '0'}${old.slice(-4)}`;
    assert.notEqual((await test.issuer.numberOf(LETTERS, forged)).code, 'TOKEN_EPOCH_CLOSED');
    assert.equal(await seen(), Number(first) + 1);
    const port = await test.service.watch.listen(0, '127.0.0.1');
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const shown = `pantoken_closed_epoch_tokens_seen{organization="100",epoch="1"} ${Number(first) + 1}`;
    assert(metrics.includes(shown), metrics);
    assert.match(metrics, /^pantoken_refusals_total\{code="TOKEN_EPOCH_CLOSED"\} [1-9]/m);
    const record = test.audit().findLast(({ action }) => action === 'inquire_number');
    assert(record);
    // The number itself finds the card as before.
    assert.equal((await test.issuer.tokenOf(LETTERS, pan)).status, 200);
  });

  it('comes when the cards have moved and it was quiet, and its tokens say so', async () => {
    const moving = ofFirst();
    const { movedCount } = await withKeyTools(test, (tools) =>
      tools.retokenize(KEY_OPERATOR, LETTERS, NO_REPORT),
    );
    assert.equal(movedCount, moving);
    const request = { organization: LETTERS, purpose: 'token', epoch: 1 } as const;
    const destroy = (days: number, quietDays: number) =>
      withKeyTools(
        test,
        (tools) => tools.destroy(KEY_OPERATOR, { ...request, quietDays }),
        inDays(days),
      );
    await assert.rejects(destroy(539, 540), refusal('EPOCH_NOT_QUIET'));
    await destroy(541, 540);
    await until(
      async () => (await test.issuer.numberOf(LETTERS, old)).code === 'TOKEN_EPOCH_DESTROYED',
    );
    const gone = "organization = 100 and purpose = 'token' and epoch = 1";
    assert.equal(test.rows(`select * from wrapped_key where ${gone}`).length, 0);
    const asked = await test.issuer.tokenOf(LETTERS, pan);
    assert.equal(letterOf(asked.data.panToken.replace(/^0+/, '')), 'B');
  });

  it('is told in time: a service warns of keys that grow old', async () => {
    assert.doesNotMatch(test.logText(), /daysLeft/);
    test.moveClock(340 * 86_400_000);
    await test.restart();
    await until(async () =>
      test
        .logText()
        .includes('{"organization":100,"purpose":"token","epoch":2,"ageDays":340,"daysLeft":25}'),
    );
    assert.doesNotMatch(test.logText(), /"organization":100,"purpose":"token","epoch":1,/);
  });
});

describe('nine numeric epochs', () => {
  it('are all there is room for, until the first is closed and destroyed', async () => {
    const test = await startService();
    const tokens: string[] = [];
    const pans = new Map<string, string>();
    for (let epoch = 1; epoch <= 9; epoch++) {
      const token = await newToken(test, DIGITS);
      assert.equal(residueOf(token), String(epoch));
      tokens.push(token);
      pans.set(token, (await test.issuer.numberOf(DIGITS, token)).data.cardNumber);
      if (epoch < 9) await rotate(test, DIGITS, residueOf);
    }
    const again = () => withKeyTools(test, (tools) => tools.rotate(KEY_OPERATOR, DIGITS));
    await assert.rejects(again(), (error) => {
      assert(refusal('EPOCH_MARK_TAKEN')(error) && error instanceof Refusal);
      assert.deepEqual(error.facts, { epoch: 10, inTheWay: '1' });
      return true;
    });
    for (const token of tokens) {
      assert.equal((await test.issuer.numberOf(DIGITS, token)).data.cardNumber, pans.get(token));
    }
    await withKeyTools(test, (tools) => tools.retokenize(KEY_OPERATOR, DIGITS, NO_REPORT));
    await withKeyTools(test, (tools) => tools.closeKey(KEY_OPERATOR, DIGITS, 1));
    await assert.rejects(again(), refusal('EPOCH_MARK_TAKEN'));
    const request = { organization: DIGITS, purpose: 'token', epoch: 1, quietDays: 0 } as const;
    await withKeyTools(test, (tools) => tools.destroy(KEY_OPERATOR, request), inDays(1));
    assert.equal(await rotate(test, DIGITS, residueOf), 10);
    // Its mark is that of epoch 10 now: it opens to another number, which is not shown.
    const [first = ''] = tokens;
    const answer = await test.issuer.numberOf(DIGITS, first);
    assert.equal(answer.code, 'TOKEN_EPOCH_DESTROYED');
    for (const token of tokens.slice(1)) {
      assert.equal((await test.issuer.numberOf(DIGITS, token)).data.cardNumber, pans.get(token));
    }
  });
});
