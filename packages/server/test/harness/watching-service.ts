import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeIssuerClient } from './issuer-client.ts';
import { BIN, freshPan } from './numbers.ts';
import { startReceiver } from './receiver.ts';
import { operator, startService } from './service.ts';
import { testCertificates } from './simulated-schemes.ts';

/** One card of the answer of addwatchlist. */
export interface AddedCard {
  readonly pan: string;
  readonly panid?: string;
  readonly status: string;
  readonly customreference?: string;
  readonly code?: string;
}

export const cardOf = (pan: string, more = {}) => ({
  ...{ pan, expmonth: '11', expyear: '2030' },
  ...more,
});

/** A service whose merchant has a receiver over TLS, which it is not notified at yet. */
export async function startWatchingService() {
  const server = await startService();
  const certificates = testCertificates();
  writeFileSync(join(server.home, 'ca.pem'), certificates.ca);
  const notifications = { allowedHosts: ['localhost'], caFile: 'ca.pem', timeoutMs: 500 };
  writeFileSync(join(server.home, 'updater.json'), JSON.stringify({ notifications }));
  await server.restart();
  const { merchant, issuer, registry, send } = server;
  const { merchantid } = merchant.credentials;
  const pair = generateKeyPairSync('rsa', { modulusLength: 4096 });
  const receiver = await startReceiver(certificates, pair.privateKey);
  const publicKeyPem = String(pair.publicKey.export({ type: 'spki', format: 'pem' }));

  const watching = {
    server,
    certificates,
    receiver,
    publicKeyPem,

    /** From now on the merchant is notified. */
    async notify(): Promise<void> {
      const { merchantKeys, setNotification } = server.service.updater;
      await merchantKeys.replaceKey(operator, 'merchant', { publicKeyPem, algorithm: 'rsa-v1_5' });
      await setNotification(operator, 'merchant', { url: receiver.url, signed: false });
    },

    async add(pans: readonly object[], headers = merchant.headers()) {
      for (const { pan } of pans as { pan?: string }[]) {
        if (/^[0-9]{12,19}$/.test(pan ?? '')) registry.add(pan ?? '');
      }
      const body = JSON.stringify({ pans, merchantid });
      const reply = await send({ method: 'POST', path: '/api/cu/addwatchlist', headers, body });
      return { ...reply, pans: (JSON.parse(reply.text).pans ?? []) as AddedCard[] };
    },

    /** The clock moves on, and access tokens expire. */
    signedIn: () => makeIssuerClient(send, issuer.credentials),

    async newCard(pan = freshPan(BIN.mastercard)): Promise<string> {
      const card = { cardNumber: pan, expirationDate: '2030-11-30' };
      const created = await watching.signedIn().create(card);
      assert.equal(created.status, 200, created.text);
      return pan;
    },

    async watchNew(more = {}): Promise<{ pan: string; panid: string }> {
      const pan = await watching.newCard();
      const { pans } = await watching.add([cardOf(pan, more)]);
      return { pan, panid: pans[0]?.panid ?? '' };
    },

    /** An account change of organization 100. */
    async tell(change: object): Promise<void> {
      const message = { reference: `w-${Math.random()}`, ...change };
      const body = JSON.stringify({ organizationNumber: 100, changes: [message] });
      const headers = await watching.signedIn().headers();
      const reply = await send({ method: 'POST', path: '/v1/account-changes', headers, body });
      assert.equal(JSON.parse(reply.text).results?.[0]?.status, 'recorded', reply.text);
    },

    /** Rounds until nothing is due. */
    async settle(): Promise<void> {
      const { checkWatchlist, deliverNotifications } = server.service.updater;
      while ((await checkWatchlist()) > 0);
      while ((await deliverNotifications()) > 0);
    },

    toldOf: (panid: string) => receiver.received.filter(({ fields }) => fields.panid === panid),

    /** What a card's merchant was told, as letters. */
    lettersOf: (panid: string) =>
      watching
        .toldOf(panid)
        .map(({ fields }) => fields.status)
        .join(''),
  };
  return watching;
}
