import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPublicAddress, makeNotificationSender } from '../src/connectors/notification-sender.ts';
import type { Merchant } from '../src/domain/merchant.ts';

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
