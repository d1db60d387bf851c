import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ANSWER_KEPT_MS } from '../src/usecase/answer-once.ts';
import { ACTION, CREATE } from './harness/issuer-client.ts';
import { freshPan } from './harness/numbers.ts';
import { startService } from './harness/service.ts';

const service = await startService();
const { issuer, channel, rows, moveClock } = service;

const body = (fields: object = {}) =>
  JSON.stringify({ organizationNumber: 100, postToAccount: '1', cardNumber: '', ...fields });
const create = (key: string, text = body(), client = issuer) =>
  client.send({ method: 'POST', path: CREATE, headers: { 'idempotency-key': key }, body: text });

describe('an Idempotency-Key', () => {
  it('gives the same answer to the same request, and makes one card', async () => {
    const first = await create('one');
    const second = await create('one');
    assert.equal(first.status, 200);
    assert.equal(second.text, first.text);
    const other = await create('another');
    assert.notEqual(other.data.cardNumber, first.data.cardNumber);
  });

  it('holds for requests that arrive together', async () => {
    const replies = await Promise.all(Array.from({ length: 8 }, () => create('together')));
    assert.equal(new Set(replies.map(({ text }) => text)).size, 1);
    assert.equal(replies[0]?.status, 200);
  });

  it('is refused with another body', async () => {
    await create('bound');
    const reply = await create('bound', body({ postToAccount: '2' }));
    assert.equal(reply.code, 'IDEMPOTENCY_KEY_REUSED');
  });

  it('is that of its caller: another caller makes a card of its own', async () => {
    const first = await create('shared');
    const second = await create('shared', body(), channel);
    assert.notEqual(second.data.cardNumber, first.data.cardNumber);
  });

  it('keeps no refusal: what was refused is served anew', async () => {
    const text = body({ cardNumber: '4111111111111111' });
    assert.equal((await create('refused', text)).code, 'PAN_OUTSIDE_BIN_RANGES');
    assert.equal((await create('refused')).status, 200);
  });

  it('holds for a reissue, which would otherwise find its card replaced', async () => {
    const { cardNumber } = (await issuer.create({ cardNumber: freshPan() })).data;
    const text = JSON.stringify({
      ...{ organizationNumber: 100, randomPin: 0, cardAction: 3, cardNumber },
    });
    const headers = { 'idempotency-key': 'reissue' };
    const request = { method: 'PUT', path: ACTION, headers, body: text } as const;
    const first = await issuer.send(request);
    assert.equal(first.status, 200);
    assert.equal((await issuer.send(request)).text, first.text);
  });

  it('of a wrong form is refused', async () => {
    assert.equal((await create('with space')).code, 'HEADER_INVALID');
    assert.equal((await create('k'.repeat(256))).code, 'HEADER_INVALID');
  });

  it('holds across a restart, for 24 hours, and is forgotten then', async () => {
    const first = await create('day');
    await service.restart();
    assert.equal((await create('day')).text, first.text);
    moveClock(ANSWER_KEPT_MS + 1_000);
    const next = await service.issuer.signIn();
    const reply = await issuer.send({
      ...{ method: 'POST', path: CREATE, body: body() },
      headers: { 'idempotency-key': 'day', authorization: `Bearer ${next}` },
    });
    assert.equal(reply.status, 200);
    assert.notEqual(reply.data.cardNumber, first.data.cardNumber);
    const [row] = rows('select count(*) as n from kept_answer where organization = 100');
    assert.equal(row?.n, 1);
  });
});
