import assert, { deepEqual, equal, match } from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { makeLog } from '../src/log.ts';
import { openService } from '../src/service.ts';
import { makeWebhook } from '../src/watch/webhook.ts';
import { unpad } from './harness/issuer-client.ts';
import { freshPan } from './harness/numbers.ts';
import type { Reply } from './harness/send.ts';
import { operator, startService, type TestService } from './harness/service.ts';

const EXPIRY = { expirationDate: '2030-11-01' };

async function makeCards({ issuer }: TestService): Promise<[Card, Card]> {
  const [bait, plain] = await Promise.all(
    [freshPan(), freshPan()].map(async (pan) => {
      const { cardNumber } = (await issuer.create({ cardNumber: pan, ...EXPIRY })).data;
      return { pan, token: unpad(cardNumber) };
    }),
  );
  assert(bait && plain);
  return [bait, plain];
}

interface Card {
  readonly pan: string;
  readonly token: string;
}

const mark = ({ manager }: TestService, panToken: string, bait = true) =>
  manager.headers().then((headers) => ({
    headers,
    body: JSON.stringify({ organizationNumber: 100, panToken, bait }),
  }));

async function setBait(test: TestService, panToken: string, bait = true): Promise<void> {
  const reply = await test.send({
    method: 'PUT',
    path: '/v1/bait',
    ...(await mark(test, panToken, bait)),
  });
  deepEqual([reply.status, JSON.parse(reply.text)], [200, { bait }], reply.text);
}

/** What of an answer could tell one card from another: all but the card and the id of the answer. */
function shapeOf({ status, headers, text }: Reply, card: Card): unknown {
  const { 'x-request-id': _id, date: _date, ...rest } = headers;
  const plain = text.replaceAll(card.pan, 'PAN').replaceAll(card.token, 'TOKEN');
  return { status, rest, plain: plain.replaceAll(/"[0-9a-f-]{36}"/g, '"ID"') };
}

const baitRecords = (test: TestService) => test.audit().filter(({ bait }) => bait === true);

describe('a card that is bait', () => {
  const asks: Readonly<Record<string, (test: TestService, card: Card) => Promise<Reply>>> = {
    'its number': ({ issuer }, { token }) => issuer.numberOf(100, token),
    'its token': ({ channel }, { pan }) => channel.tokenOf(100, pan),
    'a card of its number that is not there': ({ issuer }, { token }) =>
      issuer.numberOf(100, token, { cardSequence: 7 }),
    'one more card with its number': ({ issuer }, { pan }) =>
      issuer.create({ cardNumber: pan, cardSequence: 2, ...EXPIRY }),
    'its renewal': ({ issuer }, { token }) => issuer.act({ cardNumber: token, cardAction: 7 }),
  };
  for (const [what, ask] of Object.entries(asks)) {
    it(`answers whoever asks for ${what} as any card does, on record and with an alarm`, async () => {
      const test = await startService();
      const [bait, plain] = await makeCards(test);
      await setBait(test, bait.token);
      equal(baitRecords(test).length, 1, 'that it was marked');
      const [baited, other] = [await ask(test, bait), await ask(test, plain)];
      deepEqual(shapeOf(baited, bait), shapeOf(other, plain));
      const records = baitRecords(test).slice(1);
      equal(records.length, 1);
      equal(records[0]?.token, bait.token);
      await new Promise(setImmediate);
      match(test.logText(), /"alarm":"bait_asked"/);
      match(await metrics(test), /^pantoken_alarms_total\{alarm="bait_asked"\} 1$/m);
    });
  }

  it('raises it for a merchant that validates it, by number', async () => {
    const test = await startService();
    const [bait, plain] = await makeCards(test);
    await setBait(test, bait.token);
    const { oldpan: _, ...asked } = await test.merchant.validate(bait.pan);
    const { oldpan: _other, ...same } = await test.merchant.validate(plain.pan);
    deepEqual(asked, same);
    const [, record, ...more] = baitRecords(test);
    deepEqual([record?.action, record?.status, more.length], ['validate_pan', 'V', 0]);
    await new Promise(setImmediate);
    match(test.logText(), /"alarm":"bait_asked"/);
  });

  it('raises nothing for who may not ask, and nothing when it is bait no more', async () => {
    const test = await startService();
    const [bait] = await makeCards(test);
    await setBait(test, bait.token);
    equal((await test.channel.numberOf(100, bait.token)).code, 'NUMBER_FORBIDDEN');
    equal((await test.stranger.numberOf(100, bait.token)).status, 422);
    await setBait(test, bait.token, false);
    equal((await test.issuer.numberOf(100, bait.token)).status, 200);
    await new Promise(setImmediate);
    assert.doesNotMatch(test.logText(), /bait_asked/);
    deepEqual(
      test.audit().flatMap(({ action, bait: is }) => (is === undefined ? [] : [[action, is]])),
      [
        ['set_bait', true],
        ['set_bait', false],
      ],
    );
  });

  it('is marked by who has the right to manage, and by an operator, and by nobody else', async () => {
    const test = await startService();
    const [bait] = await makeCards(test);
    const { body } = await mark(test, bait.token);
    const headers = await test.issuer.headers();
    const refused = await test.send({ method: 'PUT', path: '/v1/bait', headers, body });
    deepEqual([refused.status, JSON.parse(refused.text).code], [403, 'RIGHT_MISSING']);
    const card = { kind: 'token', token: bait.token } as const;
    const organization = 100 as never;
    await test.service.setBait.byOperator(operator, { organization, card, isBait: true });
    deepEqual(await test.service.setBait.list(organization), [bait.token]);
    await setBait(test, bait.token, false);
    deepEqual(await test.service.setBait.list(organization), []);
    const missing = { kind: 'token', token: `${bait.token.slice(0, -4)}0000` } as const;
    const nothing = test.service.setBait.byOperator(operator, {
      ...{ organization, card: missing, isBait: true },
    });
    await assert.rejects(nothing, { name: 'Refusal' });
  });
});

it('the alarm of bait goes to the webhook, by name and without a number or token', async () => {
  const test = await startService();
  const [bait] = await makeCards(test);
  await setBait(test, bait.token);
  const told: string[] = [];
  const receiver = createServer(async (request, response) => {
    for await (const chunk of request) told.push(String(chunk));
    response.end();
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  after(() => receiver.close());
  const { port } = receiver.address() as AddressInfo;
  const alarmWebhook = makeWebhook(`http://127.0.0.1:${port}/alarm`);
  const log = makeLog('error', { write: () => undefined });
  const node = await openService(test.home, log, undefined, { alarmWebhook });
  after(() => node.close());
  const arrived = once(receiver, 'request');
  const organization = 100 as never;
  const { issuer } = test.callers;
  await node.inquireNumber(issuer, { organization, token: bait.token, sequence: 1 }, 'asked');
  await arrived;
  for (let tries = 0; told.length === 0 && tries < 100; tries++) await new Promise(setImmediate);
  const { alarm, facts } = JSON.parse(told.join(''));
  deepEqual(
    [alarm, facts],
    ['bait_asked', { who: `caller:${issuer.id}`, action: 'inquire_number' }],
  );
  assert(!told.join('').includes(bait.pan) && !told.join('').includes(bait.token));
});

async function metrics({ service }: TestService): Promise<string> {
  const port = await service.watch.listen(0, '127.0.0.1');
  const reply = await fetch(`http://127.0.0.1:${port}/metrics`);
  return reply.text();
}
