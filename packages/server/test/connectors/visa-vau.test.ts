import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { joinInquiries } from '../../src/connectors/join-inquiries.ts';
import { makeVisaSource } from '../../src/connectors/visa-vau.ts';
import { VISA_SANDBOX } from '../../src/domain/sandbox-cards.ts';
import { inquiryOf, startVisa, testCertificates, wordOf } from '../harness/simulated-schemes.ts';

const certificates = testCertificates();
const { server, source, options } = await startVisa(certificates);

const ask = async (...inquiries: ReturnType<typeof inquiryOf>[]) =>
  (await source.inquire(inquiries)).map(wordOf);

describe('the connector to Visa', () => {
  it('gives the letter of each published card, in order, in one call', async () => {
    const before = server.callCount;
    const cards = Object.entries(VISA_SANDBOX);
    const outcomes = await source.inquire(cards.map(([pan]) => inquiryOf(pan)));
    assert.deepEqual(
      outcomes.map(wordOf),
      cards.map(([, { status }]) => status),
    );
    assert.equal(server.callCount, before + 1);
    const [replaced, renewed] = outcomes;
    assert.equal(replaced?.update?.newNumber?.reveal(), '4327390068355746');
    assert.equal(replaced?.update?.newExpiry, 203112);
    assert.deepEqual([renewed?.update?.newExpiry, renewed?.update?.newNumber], [203112, undefined]);
  });

  it('cuts 250 cards into three calls, and a number that stands twice into calls of its own', async () => {
    const before = server.callCount;
    const many = Array.from({ length: 250 }, (_, index) =>
      inquiryOf(`4${String(index).padStart(15, '0')}`),
    );
    const outcomes = await source.inquire(many);
    assert.deepEqual([...new Set(outcomes.map(wordOf))], ['P']);
    assert.equal(server.callCount, before + 3);
    const twice = [inquiryOf('4207670264522669'), inquiryOf('4207670264522669', 'enrolled', '12')];
    assert.deepEqual(await ask(...twice), ['V', 'V']);
    assert.equal(server.callCount, before + 5);
  });

  it('keeps what is rejected apart from what is answered', async () => {
    assert.deepEqual(
      await ask(
        inquiryOf('4207670264522669'),
        inquiryOf('9207670264522669'),
        inquiryOf('42076702645226'),
        inquiryOf('4403933787254356'),
      ),
      ['V', 'UPSTREAM_CARD_REJECTED 1', 'UPSTREAM_CARD_REJECTED 4', 'C'],
    );
  });

  for (const [merchant, word] of [
    ['segment', 'UPSTREAM_NOT_ENROLLED A'],
    ['other', 'UPSTREAM_NOT_ENROLLED M'],
    ['testMode', 'UPSTREAM_NOT_ENROLLED X'],
    ['stranger', 'UPSTREAM_NOT_ENROLLED LOCAL'],
    ['letterG', 'UPSTREAM_ANSWER_UNKNOWN G'],
  ] as const) {
    it(`tells ${word}, and answers the other merchants of the same batch`, async () => {
      const words = await ask(
        inquiryOf('4207670264522669'),
        inquiryOf('4403933787254356', merchant),
      );
      assert.deepEqual(words, ['V', word]);
    });
  }

  it('is refused without its certificate, and with another password', async () => {
    const pan = inquiryOf('4207670264522669');
    for (const other of [{ cert: undefined, key: undefined }, { password: 'wrong' }]) {
      const wrong = makeVisaSource({ ...options, ...other });
      const [outcome] = await wrong.inquire([pan]);
      assert.equal(wordOf(outcome), 'UPSTREAM_CREDENTIALS_REFUSED HTTP 401');
      wrong.close();
    }
  });

  it('does not speak to a server of another authority', async () => {
    const wrong = makeVisaSource({ ...options, ca: testCertificates().ca });
    const [outcome] = await wrong.inquire([inquiryOf('4207670264522669')]);
    assert.match(wordOf(outcome), /^UPSTREAM_UNREACHABLE .*CERT/);
    wrong.close();
  });

  it('tells that Visa is still at work, and never makes a letter of it', async () => {
    server.setFault({ status: 202, count: 1 });
    assert.deepEqual(await ask(inquiryOf('4207670264522669')), ['UPSTREAM_PENDING HTTP 202']);
  });

  it('repeats an inquiry after an outage, and gives up after three attempts', async () => {
    const pan = inquiryOf('4207670264522669');
    for (const fault of [{ status: 503 }, { kind: 'reset' }] as const) {
      server.setFault({ ...fault, count: 2 });
      const before = server.callCount;
      assert.deepEqual(await ask(pan), ['V']);
      assert.equal(server.callCount, before + 3);
    }
    server.setFault({ status: 502 });
    assert.deepEqual(await ask(pan), ['UPSTREAM_REFUSED HTTP 502']);
    server.setFault(undefined);
    assert.deepEqual(await ask(pan), ['V']);
  });

  it('does not repeat a subscription', async () => {
    server.setFault({ status: 503, count: 1 });
    const before = server.callCount;
    const [refusal] = await source.subscribe([inquiryOf('4207670264522669')]);
    assert.equal(refusal?.code, 'UPSTREAM_REFUSED');
    assert.equal(server.callCount, before + 1);
    assert.deepEqual(await source.subscribe([inquiryOf('4207670264522669')]), [undefined]);
    assert.deepEqual(await source.unsubscribe([inquiryOf('4207670264522669')]), [undefined]);
  });

  it('makes a time-out and garbage refusals of their own', async () => {
    const quick = makeVisaSource({ ...options, timeoutMs: 100 });
    server.setFault({ kind: 'hang', count: 3 });
    const [late] = await quick.inquire([inquiryOf('4207670264522669')]);
    assert.match(wordOf(late), /^UPSTREAM_TIMEOUT/);
    quick.close();
    server.setFault({ kind: 'garbage', count: 1 });
    const [garbage] = await ask(inquiryOf('4207670264522669'));
    assert.equal(garbage, 'UPSTREAM_ANSWER_UNKNOWN not JSON');
  });

  it('leaves an upstream alone that fails again and again', async () => {
    const other = makeVisaSource(options);
    server.setFault({ status: 500 });
    const words = [];
    for (let count = 0; count < 3; count++) {
      words.push(...(await other.inquire([inquiryOf('4207670264522669')])).map(wordOf));
    }
    const before = server.callCount;
    server.setFault(undefined);
    assert.equal(words.at(-1), 'UPSTREAM_SUSPENDED');
    assert.equal(server.callCount, before);
    other.close();
  });

  it('asks once when many ask for one card at the same time', async () => {
    const joined = joinInquiries(source);
    const before = server.callCount;
    const asked = Array.from({ length: 50 }, () => joined.inquire([inquiryOf('4403933787254356')]));
    const words = (await Promise.all(asked)).flat().map(wordOf);
    assert.deepEqual([...new Set(words)], ['C']);
    assert.equal(server.callCount, before + 1);
    await joined.inquire([inquiryOf('4403933787254356')]);
    assert.equal(server.callCount, before + 2);
  });

  it('reads a push as a hint, acknowledged row by row', async () => {
    const { makeVisaRules } = await import('../../src/simulators/visa.ts');
    const rules = makeVisaRules({
      ...options,
      ownKey: options.decryptionKey,
      clientKey: options.decryptionKey,
    });
    const body = await rules.push('4207670264522669', 'A');
    const { hints, acknowledgement } = await source.handleCallback(Buffer.from(body));
    assert.deepEqual(
      hints.map(({ number }) => number.reveal()),
      ['4207670264522669'],
    );
    assert.deepEqual(acknowledgement, { acknowledgements: [{ status: 'S' }] });
    await assert.rejects(source.handleCallback(Buffer.from('{"encData":"x"}')), {
      code: 'ENCDATA_UNREADABLE',
    });
  });
});
