import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { makeTestSandbox } from '../harness/server.ts';

const sandbox = await makeTestSandbox();
const program = await sandbox.start();
after(() => program.signal('SIGINT'));

const merchant = sandbox.merchant();
const { merchantid, privateKeyPem } = merchant.credentials;
const valid = sandbox.credentials().scenarios.find(({ status }) => status === 'V');
assert(valid);
const { pan, expmonth, expyear } = valid;
sandbox.registry.add(pan);
const card = { pan, expmonth, expyear, merchantid };

const sendEncrypted = (encdata: string) => merchant.post(JSON.stringify({ encdata }));

describe('an encrypted request', () => {
  it('is answered as one in clear, also with names in capitals', async () => {
    const upper = Object.entries(card).map(([name, value]) => [name.toUpperCase(), value]);
    for (const fields of [card, Object.fromEntries(upper)]) {
      const reply = await sendEncrypted(merchant.encrypt(JSON.stringify(fields)));
      assert.equal(merchant.decrypt(reply).status, 'V');
    }
  });

  it('made by openssl is answered, and openssl opens the answer', async () => {
    const service = join(sandbox.home, 'service.pem');
    const encrypt = ['pkeyutl', '-encrypt', '-pubin', '-inkey', service];
    const encrypted = execFileSync('openssl', encrypt, { input: JSON.stringify(card) });
    const reply = await sendEncrypted(encrypted.toString('base64'));
    assert.equal(reply.status, 200);
    const input = Buffer.from(JSON.parse(reply.text).encdata, 'base64');
    const key = join(sandbox.home, 'merchant.pem');
    for (const tool of [['pkeyutl'], ['rsautl']]) {
      const decrypt = [...tool, '-decrypt', '-inkey', key];
      const clear = execFileSync('openssl', decrypt, { input, stdio: ['pipe', 'pipe', 'ignore'] });
      const { status, oldpan } = JSON.parse(clear.toString('utf8'));
      assert.deepEqual([status, oldpan], ['V', pan]);
    }
    assert.match(privateKeyPem, /PRIVATE KEY/);
  });

  it('tells nothing of what is wrong with it: one status and one body', async () => {
    const good = Buffer.from(merchant.encrypt(JSON.stringify(card)), 'base64');
    const flipped = (at: number) => {
      const bytes = Buffer.from(good);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes.toString('base64');
    };
    const inside = (fields: unknown) => merchant.encrypt(JSON.stringify(fields));
    const bad = [
      ...[flipped(0), flipped(1), flipped(255), flipped(511)],
      ...[good.subarray(1).toString('base64'), good.subarray(0, 500).toString('base64')],
      ...[Buffer.concat([good, good]).toString('base64'), good.toString('hex')],
      ...[randomBytes(512).toString('base64'), Buffer.alloc(512, 0xff).toString('base64')],
      ...[Buffer.alloc(512).toString('base64'), 'AAAA', '*', `${'A'.repeat(2000)}`],
      ...[inside({}), inside([]), inside(null), inside('x'), merchant.encrypt('not json')],
      ...[inside({ ...card, pan: '1' }), inside({ ...card, pan: Number(pan) })],
      ...[inside({ ...card, expmonth: '13' }), inside({ ...card, merchantid: '0'.repeat(32) })],
      ...[inside({ ...card, more: 1 }), inside({ ...card, expyear: undefined })],
      merchant.encrypt(`{"pan":"${pan}",${JSON.stringify(card).slice(1)}`),
      merchant.encrypt(Buffer.from([0xff, 0xfe, 0x7b]).toString('latin1')),
    ];
    const answers = new Set<string>();
    for (const encdata of bad) {
      const { status, text, headers } = await sendEncrypted(encdata);
      const { correlationID, ...rest } = JSON.parse(text);
      assert.equal(correlationID, headers['x-request-id']);
      answers.add(JSON.stringify([status, headers['content-type'], rest]));
    }
    assert.equal(answers.size, 1, [...answers].join('\n'));
    assert.match([...answers].join(), /^\[400,.*"ENCDATA_UNREADABLE"/);
  });

  it('has nothing in clear beside it', async () => {
    const encdata = merchant.encrypt(JSON.stringify(card));
    const reply = await merchant.post(JSON.stringify({ encdata, pan }));
    assert.deepEqual([reply.status, JSON.parse(reply.text).code], [400, 'REQUEST_INVALID']);
  });

  it('of many at once is answered, each with its own card', async () => {
    const answers = await Promise.all(
      sandbox.credentials().scenarios.flatMap((scenario) =>
        [1, 2].map(async () => {
          const { status, ...fields } = scenario;
          const encdata = merchant.encrypt(JSON.stringify({ ...fields, merchantid }));
          const answer = merchant.decrypt(await sendEncrypted(encdata));
          return [answer.oldpan === fields.pan, answer.status === status];
        }),
      ),
    );
    assert(answers.flat().every(Boolean));
    assert.equal(answers.length, 16);
  });
});
