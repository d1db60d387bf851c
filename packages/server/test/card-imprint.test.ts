import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { parseOrganizationNumber } from '../src/domain/organization-number.ts';
import { Pan } from '../src/domain/pan.ts';
import { random } from '../src/keys/random.ts';
import type { Trail } from '../src/usecase/audit-trail.ts';
import { openDetails, openDetailsBeside } from '../src/usecase/card-details.ts';
import {
  type FoundCard,
  findCardByNumber,
  findCardByToken,
  openPan,
} from '../src/usecase/find-number.ts';
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
      openDetailsBeside(home.keyring, { ...record, ...changed }, record.card, number).isImprinted;
    assert.equal(beside({}), true);
    assert.equal(beside({}, other.found.pan), false);
    const { token, lineage, sealedPan } = other.found.record;
    for (const changed of [{ token }, { lineage }, { sealedPan }]) {
      assert.equal(beside(changed), false, Object.keys(changed).join());
    }
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
  });
});
