import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { importFile } from '../src/cli/account-changes.ts';
import { unpad } from './harness/issuer-client.ts';
import { BIN, freshPan } from './harness/numbers.ts';
import { startService } from './harness/service.ts';

const server = await startService();
const { issuer, merchant, channel, stranger, registry, send } = server;

interface Result {
  readonly reference: string;
  readonly status: string;
  readonly code?: string;
}

let lastReference = 0;
const fresh = () => `ref-${++lastReference}`;

async function tell(messages: readonly object[], sender = issuer, organizationNumber = 100) {
  const reply = await send({
    method: 'POST',
    path: '/v1/account-changes',
    headers: await sender.headers(),
    body: JSON.stringify({ organizationNumber, changes: messages }),
  });
  return { ...reply, body: JSON.parse(reply.text) as { results: Result[]; code?: string } };
}

/** Tells one change and gives what became of it: a status, or the code of the refusal. */
async function tellOne(message: object): Promise<string> {
  const { status, body, text } = await tell([{ reference: fresh(), ...message }]);
  assert.equal(status, 200, text);
  const [result] = body.results;
  return result?.code ?? result?.status ?? '';
}

async function newCard(): Promise<string> {
  const pan = freshPan();
  const created = await issuer.create({ cardNumber: pan, expirationDate: '2030-11-30' });
  assert.equal(created.status, 200);
  return pan;
}

const letterOf = async (pan: string) => (await merchant.validate(pan)).status;

const DAY_MS = 24 * 60 * 60 * 1000;
const dayText = (atMs: number) => new Date(atMs).toISOString().slice(0, 10);

describe('an account change', () => {
  it('is recorded once, however often it is sent, and not under a reference that was used', async () => {
    const pan = await newCard();
    const message = { reference: fresh(), kind: 'closed', pan };
    const statuses = [];
    for (let count = 0; count < 3; count++) {
      statuses.push((await tell([message])).body.results[0]?.status);
    }
    assert.deepEqual(statuses, ['recorded', 'already_recorded', 'already_recorded']);
    const other = await tell([{ ...message, kind: 'opted_out' }]);
    assert.equal(other.body.results[0]?.code, 'REFERENCE_REUSED');
    assert.equal(
      (await tell([{ ...message, pan: await newCard() }])).body.results[0]?.code,
      'REFERENCE_REUSED',
    );
    assert.equal(await letterOf(pan), 'C');
  });

  it('sent ten times at once is recorded once', async () => {
    const pan = await newCard();
    const message = { reference: fresh(), kind: 'contact_cardholder', pan };
    const replies = await Promise.all(Array.from({ length: 10 }, () => tell([message])));
    const statuses = replies.map(({ body }) => body.results[0]?.status).sort();
    assert.deepEqual(statuses, [...Array(9).fill('already_recorded'), 'recorded']);
  });

  it('is told for a card by its token, too', async () => {
    const pan = await newCard();
    const { panToken } = (await issuer.tokenOf(100, pan)).data;
    assert.equal(await tellOne({ kind: 'closed', panToken: unpad(panToken) }), 'recorded');
    assert.equal(await letterOf(pan), 'C');
  });

  it('takes effect for one merchant only, when it is a stop advice', async () => {
    const pan = await newCard();
    const stop = { kind: 'stop_advice', pan };
    assert.equal(await tellOne({ ...stop, merchantId: '0'.repeat(32) }), 'MERCHANT_NOT_FOUND');
    const { merchantid } = merchant.credentials;
    assert.equal(await tellOne({ ...stop, merchantId: merchantid }), 'recorded');
    assert.equal(await letterOf(pan), 'O');
  });

  it('undoes any one change, once, and no correction', async () => {
    const pan = await newCard();
    const first = { reference: fresh(), kind: 'closed', pan };
    await tell([first]);
    const undo = { reference: fresh(), kind: 'correction', corrects: first.reference };
    assert.equal((await tell([undo])).body.results[0]?.status, 'recorded');
    assert.equal((await tell([undo])).body.results[0]?.status, 'already_recorded');
    assert.equal(await letterOf(pan), 'V');
    const again = { kind: 'correction', corrects: first.reference };
    assert.equal(await tellOne(again), 'CHANGE_NOT_CORRECTABLE');
    assert.equal(await tellOne({ ...again, corrects: undo.reference }), 'CHANGE_NOT_CORRECTABLE');
    assert.equal(await tellOne({ ...again, corrects: 'never-sent' }), 'CHANGE_NOT_FOUND');
  });

  const mistakes: readonly (readonly [string, object])[] = [
    ['CARD_NUMBER_NOT_FOUND', { kind: 'closed', pan: freshPan() }],
    ['PAN_MALFORMED', { kind: 'replaced', newPan: '5402080000000001' }],
    ['PAN_OUTSIDE_BIN_RANGES', { kind: 'replaced', newPan: freshPan(BIN.numeric) }],
    ['REQUEST_INVALID', { kind: 'replaced' }],
    ['REQUEST_INVALID', { kind: 'closed', expiry: '2031-01' }],
    ['REQUEST_INVALID', { kind: 'closed', panToken: 'A' }],
    ['EXPIRY_INVALID', { kind: 'renewed', expiry: '2031-13' }],
    ['EFFECTIVE_DATE_INVALID', { kind: 'closed', effectiveDate: '2031-02-30' }],
    ['EFFECTIVE_DATE_INVALID', { kind: 'closed', effectiveDate: '1999-12-31' }],
    ['REFERENCE_INVALID', { kind: 'closed', reference: 'a b' }],
    ['CARD_NOT_FOUND', { kind: 'renewed', expiry: '2031-01', cardSequence: 7 }],
  ];
  for (const [code, message] of mistakes) {
    it(`is refused by ${code}: ${JSON.stringify(Object.keys(message))}`, async () => {
      assert.equal(await tellOne({ pan: await newCard(), ...message }), code);
    });
  }

  it('does not spoil the rest of its batch, which may be sent again whole', async () => {
    const [good, bad] = [await newCard(), freshPan()];
    const batch = [good, bad].map((pan) => ({ reference: fresh(), kind: 'closed', pan }));
    const statuses = async () => (await tell(batch)).body.results.map(({ status }) => status);
    assert.deepEqual(await statuses(), ['recorded', 'refused']);
    assert.deepEqual(await statuses(), ['already_recorded', 'refused']);
  });

  it('is taken from callers of the organization only, by problem details', async () => {
    const message = { reference: fresh(), kind: 'closed', pan: await newCard() };
    const refused = await tell([message], stranger);
    assert.deepEqual([refused.status, refused.body.code], [404, 'ORGANIZATION_NOT_FOUND']);
    assert.match(String(refused.headers['content-type']), /^application\/problem\+json/);
    assert.equal((await tell([message], channel)).body.results[0]?.status, 'recorded');
    const none = await send({ method: 'POST', path: '/v1/account-changes', body: '{}' });
    assert.equal(none.status, 401);
    const unknown = await tell([{ ...message, cvv: '123' }]);
    assert.deepEqual([unknown.status, unknown.body.code], [400, 'REQUEST_INVALID']);
  });

  it('is in the audit, without a card number', async () => {
    const pan = await newCard();
    await tellOne({ kind: 'opted_out', pan });
    const record = server.audit().findLast(({ action }) => action === 'change_account');
    assert.deepEqual([record?.change, record?.outcome], ['opted_out', 'done']);
    registry.demandAbsent('the record', Buffer.from(JSON.stringify(record)));
  });
});

describe('a lineage', () => {
  it('leads from each of its numbers to the newest, through any number of replacements', async () => {
    const numbers = [await newCard()];
    for (let count = 0; count < 12; count++) {
      const [pan, newPan] = [numbers.at(-1), freshPan()];
      const message = { kind: 'replaced', pan, newPan, newExpiry: '2033-07' };
      assert.equal(await tellOne(message), 'recorded');
      numbers.push(newPan);
    }
    for (const pan of numbers.slice(0, -1)) {
      const answer = await merchant.validate(pan);
      assert.deepEqual([answer.status, answer.newpan], ['A', numbers.at(-1)]);
      assert.deepEqual([answer.newexpmonth, answer.newexpyear], ['07', '2033']);
    }
    assert.equal((await merchant.validate(numbers.at(-1) ?? '', '07', '2033')).status, 'V');
  });

  it('joins several cards in one, with all that becomes of it', async () => {
    const [first, second, third] = [await newCard(), await newCard(), await newCard()];
    assert.equal(await tellOne({ kind: 'replaced', pan: first, newPan: third }), 'recorded');
    assert.equal(await tellOne({ kind: 'replaced', pan: second, newPan: third }), 'recorded');
    assert.equal((await merchant.validate(first)).newpan, third);
    assert.equal((await merchant.validate(second)).newpan, third);
    const newest = freshPan();
    assert.equal(await tellOne({ kind: 'replaced', pan: third, newPan: newest }), 'recorded');
    assert.equal((await merchant.validate(first)).newpan, newest);
    assert.equal(await tellOne({ kind: 'closed', pan: newest }), 'recorded');
    for (const pan of [first, second, third, newest]) assert.equal(await letterOf(pan), 'C');
  });

  it('refuses every loop', async () => {
    const [a, b, c] = [await newCard(), await newCard(), await newCard()];
    assert.equal(await tellOne({ kind: 'replaced', pan: a, newPan: a }), 'LINEAGE_LOOP');
    assert.equal(await tellOne({ kind: 'replaced', pan: a, newPan: b }), 'recorded');
    assert.equal(await tellOne({ kind: 'replaced', pan: b, newPan: a }), 'LINEAGE_LOOP');
    assert.equal(await tellOne({ kind: 'replaced', pan: b, newPan: c }), 'recorded');
    assert.equal(await tellOne({ kind: 'replaced', pan: c, newPan: a }), 'LINEAGE_LOOP');
    assert.equal(await tellOne({ kind: 'replaced', pan: a, newPan: c }), 'CARD_REPLACED');
    const d = freshPan();
    assert.equal(await tellOne({ kind: 'replaced', pan: c, newPan: d }), 'recorded');
    assert.equal(await tellOne({ kind: 'replaced', pan: d, newPan: b }), 'LINEAGE_LOOP');
    assert.equal((await merchant.validate(a)).newpan, d);
  });

  it('refuses one of the replacements that together would be a loop, when they come at once', async () => {
    for (let round = 0; round < 5; round++) {
      const cards = await Promise.all(Array.from({ length: 4 }, newCard));
      const outcomes = await Promise.all(
        cards.map((pan, index) =>
          tellOne({ kind: 'replaced', pan, newPan: cards[(index + 1) % 4] }),
        ),
      );
      const refused = outcomes.filter((outcome) => outcome !== 'recorded');
      assert(refused.length >= 1, `${outcomes}`);
      for (const pan of cards) await merchant.validate(pan);
    }
  });

  it('comes apart by a correction, and together again', async () => {
    const [a, b] = [await newCard(), freshPan()];
    const wrong = { reference: fresh(), kind: 'replaced', pan: a, newPan: b };
    await tell([wrong]);
    assert.equal(await letterOf(a), 'A');
    await tellOne({ kind: 'correction', corrects: wrong.reference });
    assert.equal(await letterOf(a), 'V');
    assert.equal(await tellOne({ kind: 'closed', pan: a }), 'recorded');
    assert.notEqual(await letterOf(b), 'C');
    assert.equal(await tellOne({ kind: 'replaced', pan: b, newPan: a }), 'recorded');
    assert.equal(await letterOf(b), 'C');
  });

  it('does not change what a new number is on record with', async () => {
    const [a, b] = [await newCard(), await newCard()];
    const message = { kind: 'replaced', pan: a, newPan: b };
    assert.equal(await tellOne({ ...message, newExpiry: '2031-01' }), 'NEW_EXPIRY_DIFFERS');
    assert.equal(await tellOne({ ...message, newExpiry: '2030-11' }), 'recorded');
  });

  it('goes on by FirstVision from where the feed left it', async () => {
    const pan = await newCard();
    await tellOne({ kind: 'renewed', pan, expiry: '2032-05' });
    assert.equal((await merchant.validate(pan, '05', '2032')).status, 'V');
    const renewed = await issuer.act({ cardNumber: pan, cardAction: 7, cardSequence: 1 });
    assert.equal(renewed.status, 200, renewed.text);
    const answer = await merchant.validate(pan, '05', '2032');
    assert.deepEqual([answer.status, answer.newexpyear, answer.newexpmonth], ['E', '2037', '05']);
  });
});

describe('a file of account changes', () => {
  it('is recorded line by line, says which lines are refused, and may be imported again', async () => {
    const cards = await Promise.all(Array.from({ length: 20 }, newCard));
    const lines = cards.map((pan) => JSON.stringify({ reference: fresh(), kind: 'closed', pan }));
    lines.splice(3, 0, '{"reference":"x"', '{"reference":"y","kind":"closed","pan":1}', '');
    lines.push(JSON.stringify({ reference: fresh(), kind: 'closed', pan: freshPan() }));
    const file = join(mkdtempSync(join(tmpdir(), 'pantoken-feed-')), 'changes.jsonl');
    writeFileSync(file, `${lines.join('\n')}\n`);
    const printed: unknown[] = [];
    const print = (text: string) => void printed.push(JSON.parse(text));
    const run = () =>
      importFile(server.service.recordAccountChanges, file, { organization: '100', print });
    assert.deepEqual(await run(), { recorded: 20, already_recorded: 0, refused: 3 });
    assert.deepEqual(printed, [
      { line: 4, code: 'BODY_NOT_JSON' },
      { line: 5, code: 'REQUEST_INVALID' },
      { line: 24, code: 'CARD_NUMBER_NOT_FOUND' },
    ]);
    assert.deepEqual(await run(), { recorded: 0, already_recorded: 20, refused: 3 });
    rmSync(dirname(file), { recursive: true });
  });
});

/** What a merchant is told when a second change took effect after a first; `-`: it is refused. */
const TABLE = {
  replaced: { alone: 'A', later: 'AACQOAO' },
  renewed: { alone: 'E', later: 'AECQOEO' },
  closed: { alone: 'C', later: '--CCOCO' },
  contact_cardholder: { alone: 'Q', later: 'AECQOQO' },
  opted_out: { alone: 'O', later: 'OOOOOVO' },
  opted_in: { alone: 'V', later: 'AECQOVO' },
  stop_advice: { alone: 'O', later: 'OOOOOOO' },
} as const;
const KINDS = Object.keys(TABLE) as (keyof typeof TABLE)[];

describe('two changes of one card, before, at and after their days', () => {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const [firstDay, secondDay] = [today + 10 * DAY_MS, today + 20 * DAY_MS];
  const cases: { name: string; pan: string; between: string; after: string }[] = [];

  it('are recorded in either order', async () => {
    for (const order of ['in order', 'the later one first']) {
      for (const first of KINDS) {
        for (const [index, second] of KINDS.entries()) {
          const pan = await newCard();
          const newPan = freshPan();
          const messageOf = (kind: string, atMs: number, card: string, other: string) => ({
            ...{ reference: fresh(), kind, effectiveDate: dayText(atMs), pan: card },
            ...(kind === 'replaced' && { newPan: other, newExpiry: '2033-01' }),
            ...(kind === 'renewed' && { expiry: '2032-01' }),
            ...(kind === 'stop_advice' && { merchantId: merchant.credentials.merchantid }),
          });
          const isReversed = order !== 'in order';
          // In order, the second change of a replaced card names the new number.
          const card = first === 'replaced' && !isReversed ? newPan : pan;
          const messages = [
            messageOf(first, firstDay, pan, newPan),
            messageOf(second, secondDay, card, freshPan()),
          ];
          if (isReversed) messages.reverse();
          const { results } = (await tell(messages)).body;
          const letter = TABLE[first].later[index] ?? '';
          const name = `${first}, ${second}, ${order}`;
          const outcome = results.map((each) => each.code ?? each.status).join();
          let between: string = TABLE[first].alone;
          let after = letter === '-' ? TABLE[first].alone : letter;
          if (!isReversed) {
            const refused = letter === '-' ? 'recorded,CARD_CLOSED' : 'recorded,recorded';
            assert.equal(outcome, refused, name);
          } else if (first === 'replaced' && second === 'replaced') {
            assert.equal(outcome, 'recorded,CARD_REPLACED', name);
            between = 'V';
            after = 'A';
          } else {
            assert.equal(outcome, 'recorded,recorded', name);
            if (letter === '-') after = 'C'; // Its replacement was on record before it was closed.
          }
          cases.push({ name, pan, between, after });
        }
      }
    }
    assert.equal(cases.length, 98);
  });

  const moments: readonly (readonly [string, number, 'V' | 'between' | 'after'])[] = [
    ['before both', firstDay - 60_000, 'V'],
    ['when the first begins', firstDay, 'between'],
    ['between the two', firstDay + 5 * DAY_MS, 'between'],
    ['just before the second', secondDay - 60_000, 'between'],
    ['when the second begins', secondDay, 'after'],
    ['after both', secondDay + 5 * DAY_MS, 'after'],
  ];
  let movedMs = 0;
  for (const [name, atMs, expected] of moments) {
    it(`${name}: 98 cards`, async () => {
      const byMs = atMs - Date.now() - movedMs;
      server.moveClock(byMs);
      movedMs += byMs;
      const wrong = [];
      for (const each of cases) {
        const letter = await letterOf(each.pan);
        const right = expected === 'V' ? 'V' : each[expected];
        if (letter !== right) wrong.push(`${each.name}: ${letter} and not ${right}`);
      }
      assert.deepEqual(wrong, []);
    });
  }
});
