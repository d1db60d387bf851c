import assert from 'node:assert/strict';
import { generateKeyPairSync, publicEncrypt } from 'node:crypto';
import type { lookup } from 'node:dns';
import { describe, it } from 'node:test';
import { isPublicAddress, makeNotificationSender } from '../src/connectors/notification-sender.ts';
import type { Merchant } from '../src/domain/merchant.ts';
import { RSA_OPTIONS } from '../src/keys/message-forms.ts';
import { startReceiver } from './harness/receiver.ts';
import { testCertificates } from './harness/simulated-schemes.ts';

const sender = makeNotificationSender({
  allowedHosts: [],
  timeoutMs: 500,
  sign: () => Promise.reject(new Error('nothing is signed here')),
});
const outcomeOf = async (notificationUrl: string) => {
  const merchant = { notificationUrl, notificationSigned: false } as Merchant;
  return (await sender.send(merchant, { requestId: 'id', body: '{}' })).outcome;
};

describe('a notification URL that leads inside', () => {
  for (const host of [
    ...['127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1'],
    ...['0.0.0.0', '[::1]', '[fe80::1]', '[fd00::1]', '[::ffff:127.0.0.1]', '[2002:7f00:1::]'],
    ...['2130706433', '0x7f.1'], // What a URL makes of these is 127.0.0.1.
  ]) {
    it(`is not called: ${host}`, async () => {
      assert.equal(await outcomeOf(`https://${host}:8443/notify`), 'private_address');
    });
  }

  it('is not called by a name that is resolved to a private address', async () => {
    assert.equal(await outcomeOf('https://localhost:8443/notify'), 'private_address');
  });

  it('is told from public addresses', () => {
    const addresses = ['93.184.216.34', '8.8.8.8', '2606:4700::1111'];
    assert.deepEqual(addresses.map(isPublicAddress), [true, true, true]);
  });
});

describe('a name whose addresses change', () => {
  const certificates = testCertificates();
  const key = generateKeyPairSync('rsa', { modulusLength: 3072 });
  const encdata = publicEncrypt(
    { key: key.publicKey, ...RSA_OPTIONS['rsa-v1_5'] },
    Buffer.from('{"panid":"x"}'),
  ).toString('base64');

  /** Sends to `localhost` by what these resolvers say, one a look-up; 127.0.0.1 counts as public. */
  async function sendBy(...answers: readonly string[][]) {
    const receiver = await startReceiver(certificates, key.privateKey);
    let asked = 0;
    const resolve = ((_name: string, _options: object, callback: (...args: unknown[]) => void) => {
      const addresses = answers[asked++] ?? [];
      callback(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      );
    }) as typeof lookup;
    const rebound = makeNotificationSender({
      ...{ allowedHosts: [], timeoutMs: 2_000, ca: certificates.ca, resolve },
      isPublic: (address) => address === '127.0.0.1',
      sign: () => Promise.reject(new Error('nothing is signed here')),
    });
    const merchant = { notificationUrl: receiver.url, notificationSigned: false } as Merchant;
    const body = JSON.stringify({ encdata });
    const { outcome } = await rebound.send(merchant, { requestId: 'id', body });
    return { outcome, asked, receivedCount: receiver.received.length };
  }

  it('is looked up once: what was checked is what is connected to', async () => {
    const sent = await sendBy(['127.0.0.1'], ['10.0.0.1']);
    assert.deepEqual(sent, { outcome: 'HTTP 200', asked: 1, receivedCount: 1 });
  });

  it('is not called when one of its addresses is private, whichever comes first', async () => {
    for (const addresses of [
      ['10.0.0.1'],
      ['127.0.0.1', '10.0.0.1'],
      ['10.0.0.1', '127.0.0.1'],
      [],
    ]) {
      const sent = await sendBy(addresses);
      assert.deepEqual(sent, { outcome: 'private_address', asked: 1, receivedCount: 0 });
    }
  });
});
