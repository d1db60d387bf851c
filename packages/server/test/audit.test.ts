import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AuditRecord } from '../src/domain/audit-record.ts';
import { unpad } from './harness/issuer-client.ts';
import { BIN, freshPan, panOf } from './harness/numbers.ts';
import { startService } from './harness/service.ts';

const tests = await startService();
const { issuer, channel, stranger, merchant, registry, callers } = tests;

/** Serves one request and gives what was recorded meanwhile, without its time. */
async function recordedBy(
  ask: () => Promise<{ headers: Readonly<Record<string, unknown>> }>,
): Promise<object> {
  const before = tests.audit().length;
  const { headers } = await ask();
  // It is there when the answer is: nothing is waited for.
  const records = tests.audit().slice(before);
  assert.equal(records.length, 1, JSON.stringify(records));
  const { atMs, requestId, ...rest } = records[0] as AuditRecord;
  assert(Math.abs(Date.now() - atMs) < 60_000);
  assert.equal(requestId, headers['x-request-id']);
  return rest;
}

const pan = freshPan();
const masked = `${pan.slice(0, 6)}******${pan.slice(-4)}`;
const who = `caller:${callers.issuer.id}`;
const token = unpad((await issuer.create({ cardNumber: pan })).data.cardNumber);
const done = { who, outcome: 'done', organization: 100 };
const refused = { ...done, outcome: 'refused' };

describe('the record', () => {
  it('of a card that was created names it by its token', async () => {
    const fresh = freshPan();
    let made = '';
    const record = await recordedBy(async () => {
      const reply = await issuer.create({ cardNumber: fresh });
      made = unpad(reply.data.cardNumber);
      return reply;
    });
    assert.deepEqual(record, { ...done, action: 'create_card', token: made });
  });

  it('of a card that was refused says why, and which', async () => {
    const again = await recordedBy(() => issuer.create({ cardNumber: pan }));
    assert.deepEqual(again, { ...refused, action: 'create_card', code: 'CARD_EXISTS', token });
    const outside = freshPan(BIN.numeric);
    registry.add(outside);
    const record = await recordedBy(() => issuer.create({ cardNumber: outside }));
    const code = 'PAN_OUTSIDE_BIN_RANGES';
    assert.deepEqual(
      { ...record, maskedNumber: 'x' },
      {
        ...refused,
        action: 'create_card',
        code,
        maskedNumber: 'x',
      },
    );
  });

  it('of an inquiry names the card by its token, in both directions', async () => {
    const forward = await recordedBy(() => issuer.tokenOf(100, pan));
    assert.deepEqual(forward, { ...done, action: 'inquire_token', token });
    const back = await recordedBy(() => issuer.numberOf(100, token));
    assert.deepEqual(back, { ...done, action: 'inquire_number', token });
  });

  it('of a number that was refused says to whom', async () => {
    const record = await recordedBy(() => channel.numberOf(100, token));
    const asked = { who: `caller:${callers.channel.id}`, action: 'inquire_number' };
    assert.deepEqual(record, { ...refused, ...asked, code: 'NUMBER_FORBIDDEN' });
    const other = await recordedBy(() => stranger.numberOf(100, token));
    const ofOther = { who: `caller:${callers.stranger.id}`, action: 'inquire_number' };
    assert.deepEqual(other, { ...refused, ...ofOther, code: 'ORGANIZATION_NOT_FOUND' });
  });

  it('of a card that is not there names it masked', async () => {
    const unknown = panOf(BIN.mastercard, 77);
    const record = await recordedBy(() => issuer.tokenOf(100, unknown));
    const maskedNumber = `${unknown.slice(0, 6)}******${unknown.slice(-4)}`;
    const code = 'CARD_NUMBER_NOT_FOUND';
    assert.deepEqual(record, { ...refused, action: 'inquire_token', code, maskedNumber });
  });

  it('of a request that is malformed is there, too, once the caller is known', async () => {
    const record = await recordedBy(() => issuer.numberOf(100, ' '));
    const { organization: _none, ...rest } = refused;
    assert.deepEqual(record, { ...rest, action: 'inquire_number', code: 'CARD_NUMBER_BLANK' });
  });

  it('of an action is its own', async () => {
    for (const [cardAction, action] of [
      [2, 'renew_card'],
      [7, 'renew_card'],
      [3, 'reissue_card'],
    ] as const) {
      const record = await recordedBy(() => issuer.act({ cardNumber: token, cardAction }));
      assert.partialDeepStrictEqual(record, { ...done, action });
    }
    const replaced = await recordedBy(() => issuer.act({ cardNumber: token, cardAction: 3 }));
    const code = 'CARD_REPLACED';
    assert.deepEqual(replaced, { ...refused, action: 'reissue_card', code, token });
  });

  it('of a validation has its letter, and no number', async () => {
    const { merchantid } = merchant.credentials;
    for (const [number, status] of [
      [pan, 'A'],
      [panOf(BIN.mastercard, 78), 'P'],
      ['4111111111111111', 'N'],
    ] as const) {
      registry.add(number);
      const body = JSON.stringify({ pan: number, expmonth: '11', expyear: '2030', merchantid });
      const record = await recordedBy(() => merchant.post(body));
      const expected = { who: `merchant:${merchantid}`, action: 'validate_pan', outcome: 'done' };
      assert.partialDeepStrictEqual(record, { ...expected, status });
    }
    const unsupported = { pan: '378282246310005', expmonth: '11', expyear: '2030', merchantid };
    registry.add(unsupported.pan);
    const record = await recordedBy(() => merchant.post(JSON.stringify(unsupported)));
    assert.partialDeepStrictEqual(record, { outcome: 'refused', code: 'SCHEME_UNSUPPORTED' });
  });

  it('is of each of many requests that arrive together', async () => {
    const before = tests.audit().length;
    const replies = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        index % 2 === 0 ? issuer.create() : channel.numberOf(100, token),
      ),
    );
    const ids = tests
      .audit()
      .slice(before)
      .map(({ requestId }) => requestId);
    assert.deepEqual(ids.sort(), replies.map(({ headers }) => headers['x-request-id']).sort());
  });

  it('holds no card number, whatever was asked', () => {
    const text = JSON.stringify(tests.audit());
    registry.demandAbsent('the audit', Buffer.from(text));
    assert(!text.includes(masked.replaceAll('*', '')));
    // Ids are hexadecimal and may hold any run of digits; moments are numbers.
    const withoutIds = text.replaceAll(/[0-9a-f]{32}|[0-9a-f-]{36}|"atMs":\d+/g, '');
    assert.doesNotMatch(withoutIds, /\d{12}/);
  });
});
