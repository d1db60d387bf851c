import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { parseOrganizationNumber } from '../src/domain/organization-number.ts';
import { Pan } from '../src/domain/pan.ts';
import { random } from '../src/keys/random.ts';
import type { Trail } from '../src/usecase/audit-trail.ts';
import { openDetails, openDetailsBeside } from '../src/usecase/card-details.ts';
import { type FoundCard, findCardByNumber, findCardByToken } from '../src/usecase/find-number.ts';
import { openPan } from '../src/usecase/open-record.ts';
import type { Keyring } from '../src/usecase/ports.ts';
import { unpad } from './harness/issuer-client.ts';
import { KEY_OPERATOR, NO_REPORT, openTestHome, withKeyTools } from './harness/key-tools.ts';
import { freshPan } from './harness/numbers.ts';
import { editByHand, startService } from './harness/service.ts';

const test = await startService();
const home = await openTestHome(test.home);
after(() => home.close());
const LETTERS = parseOrganizationNumber(100);

/** What is opened while a card is looked for, by the part of the record. */
async function opened(
  find: (deps: typeof home, organization: Organization, trail: Trail) => Promise<FoundCard>,
): Promise<{ readonly found: FoundCard; readonly parts: readonly string[] }> {
  await Promise.all([home.keyring.refresh(), home.directory.refresh()]);
  const organization = home.directory.findOrganization(LETTERS);
  assert(organization);
  const parts: string[] = [];
  const keyring: Keyring = {
    ...home.keyring,
    open(place, sealed) {
      parts.push(place.part.replace(/:.*/, ''));
      return home.keyring.open(place, sealed);
    },
  };
  const context = { who: 'test', requestId: random.recordId() };
  const found = await home.audited(context, 'inquire_token', async (trail) => {
    const card = await find({ ...home, keyring }, organization, trail);
    await trail.commit([]);
    return card;
  });
  return { found, parts };
}

type Organization = NonNullable<ReturnType<typeof home.directory.findOrganization>>;

const byNumber = (pan: Pan) =>
  opened((deps, organization, trail) => findCardByNumber(deps, organization, pan, 1, trail));
const byToken = (token: string) =>
  opened((deps, organization, trail) => findCardByToken(deps, organization, token, 1, trail));

async function makeCard(): Promise<{ readonly pan: Pan; readonly token: string }> {
  const pan = Pan.parse(freshPan());
  const { data } = await test.issuer.create({ cardNumber: pan.reveal(), postToAccount: '4711' });
  return { pan, token: unpad(data.cardNumber) };
}

describe('the details of a card', () => {
  it('vouch for the number they were sealed beside: nothing else is opened', async () => {
    const { pan, token } = await makeCard();
    for (const { found, parts } of [await byNumber(pan), await byToken(token)]) {
      assert.deepEqual(parts, ['card']);
      assert(found.pan.equals(pan));
      assert.equal(found.record.token, token);
      assert.equal(found.details.accountNumber, '4711');
    }
  });

  it('vouch for no other number, token, lineage or sealed number', async () => {
    const { pan } = await makeCard();
    const other = await byNumber((await makeCard()).pan);
    const { record } = (await byNumber(pan)).found;
    const beside = (changed: Partial<typeof record>, number = pan) =>
      openDetailsBeside(home.keyring, { ...record, ...changed }, record.card, number).doVouch;
    assert.equal(beside({}), true);
    assert.equal(beside({}, other.found.pan), false);
    const { id, token, lineage, sealedPan } = other.found.record;
    const ownSealed = record.sealedPan;
    for (const changed of [
      { token },
      { lineage },
      { sealedPan },
      { sealedPan: { ...ownSealed, dataKeyEpoch: ownSealed.dataKeyEpoch + 1 } },
      { sealedPan: { ...ownSealed, bytes: ownSealed.bytes.subarray(1) } },
    ]) {
      assert.equal(beside(changed), false, JSON.stringify(Object.keys(changed)));
    }
    assert.throws(() => beside({ id }), { code: 'RECORD_DAMAGED' });
  });

  it('vouch by 66 bits of a digest that only the data key makes', async () => {
    const { pan } = await makeCard();
    const { record } = (await byNumber(pan)).found;
    const place = { organization: LETTERS, recordId: record.id, token: '', part: 'card:1' };
    const imprint = home.keyring.open(place, record.card.sealedDetails).slice(0, 11);
    assert.match(imprint, /^[\w-]{11}$/);
    const { dataKeyEpoch, bytes } = record.sealedPan;
    const sealed = Buffer.from(bytes).toString('base64');
    const names = [pan.reveal(), record.id, record.token, record.lineage, dataKeyEpoch, sealed];
    const text = names.join(' ');
    assert.equal(home.keyring.imprint(LETTERS, text), imprint);
    assert.equal(home.keyring.imprint(LETTERS, text, dataKeyEpoch), imprint);
    const digests = [text, text.slice(1)].map((each) => hash('sha256', each, 'base64url'));
    assert(!digests.some((digest) => digest.startsWith(imprint)));
    const others = await home.keyring.imprint(parseOrganizationNumber(200), text);
    assert.notEqual(others, imprint);
    assert.throws(() => home.keyring.imprint(LETTERS, text, 99), { code: 'KEY_UNAVAILABLE' });
  });

  it('vouch for the number of a card that was reissued, and for each of its cards', async () => {
    const { pan, token } = await makeCard();
    await test.issuer.create({
      cardNumber: pan.reveal(),
      cardSequence: 2,
      postToAccount: '{"}{',
    });
    const { data } = await test.issuer.act({ cardNumber: token, cardAction: 3 });
    const newToken = unpad(data.cardNumber);
    assert.notEqual(newToken, token);
    const { found, parts } = await byToken(newToken);
    assert.deepEqual(parts, ['card']);
    const second = await opened((deps, organization, trail) =>
      findCardByNumber(deps, organization, found.pan, 2, trail),
    );
    assert.deepEqual(second.parts, ['card']);
    assert.equal(second.found.details.accountNumber, '{"}{');
  });

  it('that are damaged are told after bait, and are not shown', async () => {
    const { pan, token } = await makeCard();
    const { record } = (await byNumber(pan)).found;
    const id = Buffer.from(record.id, 'hex');
    editByHand(test.home, (database) => {
      database.prepare('update card_number set bait = 1 where number_id = ?').run(id);
      database.prepare('update card set sealed_details = zeroblob(60) where number_id = ?').run(id);
    });
    for (const ask of [test.issuer.tokenOf(100, pan.reveal()), test.issuer.numberOf(100, token)]) {
      const { text } = await ask;
      assert(!text.includes(pan.reveal()) && !text.includes('4711'), text);
      const last = test.audit().at(-1);
      assert.deepEqual([last?.code, last?.token, last?.bait], ['RECORD_DAMAGED', token, true]);
    }
    editByHand(test.home, (database) =>
      database
        .prepare('update card set sealed_details = ? where number_id = ?')
        .run(record.card.sealedDetails.bytes, id),
    );
  });

  it('do not vouch for a number whose data key is another', async () => {
    const { pan } = await makeCard();
    const { record } = (await byNumber(pan)).found;
    const change = (sql: string) =>
      editByHand(test.home, (database) => database.prepare(sql).run(Buffer.from(record.id, 'hex')));
    change('update card_number set data_key_epoch = data_key_epoch + 7 where number_id = ?');
    const { status } = await test.issuer.tokenOf(100, pan.reveal());
    assert.notEqual(status, 200);
    change('update card_number set data_key_epoch = data_key_epoch - 7 where number_id = ?');
    assert.equal((await test.issuer.tokenOf(100, pan.reveal())).status, 200);
  });

  it('that were sealed before imprints leave it to the sealed number', async () => {
    const { pan, token } = await makeCard();
    const { record, details } = (await byNumber(pan)).found;
    const place = { organization: LETTERS, recordId: record.id, token: '', part: 'card:1' };
    const { bytes } = home.keyring.seal(place, JSON.stringify(details));
    editByHand(test.home, (database) =>
      database
        .prepare('update card set sealed_details = ? where number_id = ?')
        .run(bytes, Buffer.from(record.id, 'hex')),
    );
    for (const { found, parts } of [await byNumber(pan), await byToken(token)]) {
      assert.deepEqual(parts, ['card', 'pan']);
      assert(found.pan.equals(pan));
      assert.deepEqual(found.details, details);
    }
  });

  it('vouch again when they were sealed anew, and leave it to the number while its token is newer', async () => {
    const { pan, token } = await makeCard();
    const other = (await makeCard()).pan;
    await withKeyTools(test, (tools) => tools.rekeyData(KEY_OPERATOR, LETTERS, NO_REPORT));
    for (const { parts } of [await byNumber(pan), await byToken(token)]) {
      assert.deepEqual(parts, ['card']);
    }
    await withKeyTools(test, async (tools) => {
      await tools.rotate(KEY_OPERATOR, LETTERS);
      await tools.retokenize(KEY_OPERATOR, LETTERS, NO_REPORT);
    });
    const { found, parts } = await byNumber(pan);
    assert.notEqual(found.record.token, token);
    assert.deepEqual(parts, ['card', 'pan']);
    assert.equal(openDetails(home.keyring, found.record, found.record.card).accountNumber, '4711');
    assert(openPan(home.keyring, found.record).equals(pan));
    await withKeyTools(test, (tools) => tools.rekeyData(KEY_OPERATOR, LETTERS, NO_REPORT));
    assert.deepEqual((await byToken(found.record.token)).parts, ['card']);
    assert.deepEqual((await byToken(token)).parts, ['card'], 'also by the token it had before');
    await refusesReplacedTokenOf(other, token);
  });

  /** The token that a card had before is made that of another one. */
  async function refusesReplacedTokenOf(other: Pan, token: string): Promise<void> {
    const { id } = (await byNumber(other)).found.record;
    editByHand(test.home, (database) =>
      database
        .prepare('update replaced_token set number_id = ? where token = ?')
        .run(Buffer.from(id, 'hex'), token),
    );
    const { status, text } = await test.issuer.numberOf(100, token);
    assert.notEqual(status, 200);
    assert(!text.includes(other.reveal()), text);
    assert.equal(test.audit().at(-1)?.code, 'RECORD_DAMAGED');
  }
});
