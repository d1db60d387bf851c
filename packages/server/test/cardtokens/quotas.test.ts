import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { makeMerchantClient } from '../harness/merchant-client.ts';
import { freshPan } from '../harness/numbers.ts';
import { operator, startService } from '../harness/service.ts';

const MINUTE_MS = 60_000;

const server = await startService();
const { send, registry } = server;

async function addMerchant(name: string, validationsPerMinute?: number) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { merchant, apiKey } = await server.service.register.addMerchant(operator, {
    ...{ name, algorithm: 'rsa-v1_5', validationsPerMinute },
    publicKeyPem: String(publicKey.export({ type: 'spki', format: 'pem' })),
  });
  return makeMerchantClient(send, registry, {
    ...{ merchantid: merchant.id, apiKey, servicePublicKeyPem: server.service.publicKeyPem },
    privateKeyPem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  });
}

type Client = Awaited<ReturnType<typeof addMerchant>>;

const bodyOf = ({ credentials: { merchantid } }: Client) => {
  const pan = freshPan();
  registry.add(pan);
  return JSON.stringify({ pan, expmonth: '11', expyear: '2030', merchantid });
};
const ask = async (client: Client) => {
  const { status, text, headers } = await client.post(bodyOf(client));
  return { status, code: JSON.parse(text).code, retryAfter: headers['retry-after'] };
};
const statuses = async (client: Client, count: number) => {
  const seen: number[] = [];
  for (let index = 0; index < count; index++) seen.push((await ask(client)).status);
  return seen;
};

describe('a quota of validations', () => {
  it('is kept for the merchant that has it, by code and Retry-After, and for no other', async () => {
    const [small, free] = [await addMerchant('small', 12), await addMerchant('free')];
    // Ten seconds' worth may come at once.
    assert.deepEqual(await statuses(small, 3), [200, 200, 429]);
    assert.deepEqual(await ask(small), { status: 429, code: 'QUOTA_EXCEEDED', retryAfter: '5' });
    assert.deepEqual(await statuses(free, 20), Array(20).fill(200));
    server.moveClock(5_000);
    assert.deepEqual(await statuses(small, 2), [200, 429]);
  });

  it('of one a minute says how long a minute is', async () => {
    const client = await addMerchant('slow', 1);
    assert.deepEqual(await statuses(client, 1), [200]);
    assert.equal((await ask(client)).retryAfter, '60');
    server.moveClock(MINUTE_MS);
    assert.deepEqual(await statuses(client, 2), [200, 429]);
  });

  it('is looked at before anything is decrypted, and counts what is unreadable, too', async () => {
    const client = await addMerchant('encrypted', 6);
    const bad = JSON.stringify({ encdata: 'AAAA' });
    assert.equal((await client.post(bad)).status, 400);
    assert.equal((await client.post(bad)).status, 429);
    assert.equal((await client.post('{')).status, 429);
  });

  it('is changed while the service runs, and can be none', async () => {
    const client = await addMerchant('changed', 1);
    const { setMerchantTerms } = server.service.updater;
    await statuses(client, 1);
    assert.deepEqual(await statuses(client, 1), [429]);
    await setMerchantTerms(operator, 'changed', { validationsPerMinute: undefined });
    assert.deepEqual(await statuses(client, 5), Array(5).fill(200));
    await setMerchantTerms(operator, 'changed', { organizations: new Set([100]) as never });
    const merchant = server.service.directory.findMerchantById(client.credentials.merchantid);
    assert.deepEqual([...(merchant?.organizations ?? [])], [100]);
    for (const [terms, code] of [
      [{ validationsPerMinute: 0 }, 'QUOTA_INVALID'],
      [{ validationsPerMinute: 1.5 }, 'QUOTA_INVALID'],
      [{ organizations: new Set([777]) as never }, 'ORGANIZATION_RECORD_MISSING'],
    ] as const) {
      await assert.rejects(setMerchantTerms(operator, 'changed', terms), { code });
    }
    await assert.rejects(setMerchantTerms(operator, 'nobody', {}), { code: 'MERCHANT_NOT_FOUND' });
  });

  it('is on record once a minute, however often it is met', async () => {
    const client = await addMerchant('recorded', 1);
    await statuses(client, 6);
    const who = `merchant:${client.credentials.merchantid}`;
    const refused = server.audit().filter((each) => each.who === who && each.outcome === 'refused');
    assert.deepEqual(
      refused.map(({ action, code }) => [action, code]),
      [['validate_pan', 'QUOTA_EXCEEDED']],
    );
  });
});

describe('the private key that opens encrypted requests', () => {
  it('is shared by turns: the flood of one merchant does not keep out another', async () => {
    const [flood, other] = [await addMerchant('flood'), await addMerchant('other')];
    const order: string[] = [];
    const sendEncrypted = async (client: Client, name: string) => {
      const body = JSON.stringify({ encdata: client.encrypt(bodyOf(client)) });
      const { status, text, headers } = await client.post(body);
      order.push(name);
      return { status, code: JSON.parse(text).code, retryAfter: headers['retry-after'] };
    };
    const flooding = Array.from({ length: 200 }, () => sendEncrypted(flood, 'flood'));
    const others = Array.from({ length: 3 }, () => sendEncrypted(other, 'other'));
    const answers = await Promise.all(flooding);
    assert.deepEqual(
      (await Promise.all(others)).map(({ status }) => status),
      [200, 200, 200],
    );
    const refused = answers.filter(({ status }) => status !== 200);
    assert(refused.length > 100 && refused.length < 200, String(refused.length));
    for (const each of refused) {
      assert.deepEqual(each, { status: 429, code: 'QUOTA_EXCEEDED', retryAfter: '1' });
    }
    const served = order.slice(refused.length);
    assert(served.lastIndexOf('other') < served.lastIndexOf('flood'), served.join());
  });
});
