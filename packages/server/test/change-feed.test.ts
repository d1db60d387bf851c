import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unpad } from './harness/issuer-client.ts';
import { freshPan } from './harness/numbers.ts';
import { cardOf, startWatchingService } from './harness/watching-service.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

const watching = await startWatchingService();
await watching.notify();
const { server, add, newCard, watchNew, tell, settle, toldOf, lettersOf, signedIn } = watching;
const dayIn = (days: number) => new Date(server.nowMs() + days * DAY_MS).toISOString().slice(0, 10);
const newNumbersOf = (panid: string) => toldOf(panid).map(({ fields }) => fields.newpan);

describe('several changes of a watched card before anybody looks at it', () => {
  it('are told one by one, in their order', async () => {
    const { pan, panid } = await watchNew();
    const [second, third] = [freshPan(), freshPan()];
    await tell({ kind: 'contact_cardholder', pan });
    await tell({ kind: 'replaced', pan, newPan: second, newExpiry: '2033-02' });
    await tell({ kind: 'replaced', pan: second, newPan: third, newExpiry: '2034-03' });
    await tell({ kind: 'opted_out', pan });
    await tell({ kind: 'opted_in', pan });
    await tell({ kind: 'closed', pan: third });
    await settle();
    assert.equal(lettersOf(panid), 'QAAOAC');
    assert.deepEqual(newNumbersOf(panid).slice(1, 5), [second, third, undefined, third]);
    assert.equal(toldOf(panid)[1]?.fields.newexpyear, '2033');
  });

  it('are told one by one also when FirstVision made them', async () => {
    const { pan, panid } = await watchNew();
    const act = async (cardNumber: string, cardAction: number) => {
      const reply = await signedIn().act({ cardNumber, cardAction });
      assert.equal(reply.status, 200, reply.text);
      return unpad(reply.data.cardNumber);
    };
    const token = await act(await act(await act(pan, 3), 7), 3);
    await settle();
    assert.equal(lettersOf(panid), 'AAA');
    const told = toldOf(panid).map(({ fields }) => [fields.newpan, fields.newexpyear]);
    const [first, renewed, last] = told;
    assert.equal(renewed?.[0], first?.[0]);
    assert.equal(Number(renewed?.[1]), Number(first?.[1]) + 5);
    const { panToken } = (await signedIn().tokenOf(100, last?.[0] ?? '')).data;
    assert.deepEqual([unpad(panToken), last?.[1]], [token, first?.[1]]);
  });

  it('are told one by one also when their days are all over by then', async () => {
    const { pan, panid } = await watchNew();
    await tell({ kind: 'closed', pan, effectiveDate: dayIn(9) });
    await tell({ kind: 'opted_out', pan, effectiveDate: dayIn(3) });
    await tell({ kind: 'renewed', pan, expiry: '2032-02', effectiveDate: dayIn(2) });
    await tell({ kind: 'contact_cardholder', pan, effectiveDate: dayIn(3) });
    await tell({ kind: 'opted_in', pan, effectiveDate: dayIn(4) });
    await settle();
    assert.equal(lettersOf(panid), '');
    server.moveClock(5 * DAY_MS);
    await settle();
    // Who opted out is not told that the cardholder is to be contacted, until it is opted in.
    assert.equal(lettersOf(panid), 'EOQ');
    server.moveClock(5 * DAY_MS);
    await settle();
    assert.equal(lettersOf(panid), 'EOQC');
  });

  it('are told to who watches any of the cards that lead there', async () => {
    const [one, two] = [await watchNew(), await watchNew()];
    const end = await newCard();
    await tell({ kind: 'replaced', pan: one.pan, newPan: end });
    await tell({ kind: 'contact_cardholder', pan: end });
    await tell({ kind: 'replaced', pan: two.pan, newPan: end });
    await tell({ kind: 'closed', pan: end });
    await settle();
    // A new number ends the request to contact the cardholder for those who come later, and for no one else.
    assert.deepEqual([lettersOf(one.panid), lettersOf(two.panid).at(-1)], ['AQC', 'C']);
  });

  it('are told of a card that was watched before it was on record', async () => {
    const pan = freshPan();
    const [added] = (await add([cardOf(pan)])).pans;
    await newCard(pan);
    await tell({ kind: 'contact_cardholder', pan });
    await tell({ kind: 'closed', pan });
    await settle();
    assert.equal(lettersOf(added?.panid ?? ''), 'QC');
  });

  it('are told after a state that was there before', async () => {
    const pan = await newCard();
    await tell({ kind: 'contact_cardholder', pan });
    const [added] = (await add([cardOf(pan)])).pans;
    await tell({ kind: 'closed', pan });
    await settle();
    assert.equal(lettersOf(added?.panid ?? ''), 'QC');
  });
});

describe('what is not told', () => {
  it('is a change that was corrected before its day', async () => {
    const { pan, panid } = await watchNew();
    await tell({ reference: 'early', kind: 'closed', pan, effectiveDate: dayIn(2) });
    await tell({ kind: 'correction', corrects: 'early' });
    server.moveClock(3 * DAY_MS);
    await settle();
    assert.equal(lettersOf(panid), '');
  });

  it('is nothing of a change that held for a moment: it is told, and so is its correction', async () => {
    const { pan, panid } = await watchNew();
    await tell({ reference: 'wrong', kind: 'closed', pan });
    await tell({ kind: 'correction', corrects: 'wrong' });
    await settle();
    assert.equal(lettersOf(panid), 'CV');
  });

  it('is what changes nothing for this merchant', async () => {
    const { pan, panid } = await watchNew();
    await tell({ kind: 'closed', pan });
    await tell({ kind: 'closed', pan });
    await tell({ kind: 'contact_cardholder', pan });
    await settle();
    assert.equal(lettersOf(panid), 'C');
  });
});

describe('the change feed', () => {
  it('is written by the transaction of the change, for watched cards only, and empty when all is told', async () => {
    const feedOf = (panid: string) =>
      server.rows(`select * from change_feed where panid = '${panid}'`).length;
    const { pan, panid } = await watchNew();
    const before = server.rows('select * from change_feed').length;
    await tell({ kind: 'closed', pan: await newCard() });
    assert.equal(server.rows('select * from change_feed').length, before);
    await tell({ kind: 'contact_cardholder', pan });
    await tell({ kind: 'closed', pan });
    assert.equal(feedOf(panid), 2);
    await settle();
    assert.equal(feedOf(panid), 0);
  });

  it('forgets a card that is not watched any more', async () => {
    const { pan, panid } = await watchNew();
    await tell({ kind: 'closed', pan, effectiveDate: dayIn(2) });
    const path = `/api/cu/${panid}/unsubscribe`;
    const headers = server.merchant.headers();
    assert.equal((await server.send({ method: 'DELETE', path, headers })).status, 200);
    await tell({ kind: 'contact_cardholder', pan });
    for (const table of ['change_feed', 'watched_card']) {
      assert.deepEqual(server.rows(`select * from ${table} where panid = '${panid}'`), []);
    }
  });

  it('tells more changes than one unit holds', async () => {
    const { pan, panid } = await watchNew();
    for (let count = 0; count < 60; count++) {
      await tell({ kind: count % 2 === 0 ? 'opted_out' : 'opted_in', pan });
    }
    await settle();
    assert.equal(lettersOf(panid), 'OV'.repeat(30));
  });
});
