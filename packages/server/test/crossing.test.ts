import assert, { deepEqual, equal } from 'node:assert/strict';
import { after, it } from 'node:test';
import { makeLog } from '../src/log.ts';
import { openService } from '../src/service.ts';
import { openStore, type StorePlace } from '../src/store/place.ts';
import type { Reader } from '../src/store/statements.ts';
import { makeIssuerClient, unpad } from './harness/issuer-client.ts';
import { freshPan } from './harness/numbers.ts';
import { injecting } from './harness/send.ts';
import { startService } from './harness/service.ts';

const ORGANIZATIONS = [100, 200, 400];

/** Look-ups of cards as if nobody had written `where organization = $1`. */
async function openWithoutFilter(place: StorePlace) {
  const store = await openStore(place);
  const reader: Reader = {
    async read(name, values) {
      if (!/^find(?:Number|Card)/.test(name)) return store.reader.read(name, values);
      const found = await Promise.all(
        ORGANIZATIONS.map((organization) =>
          store.reader.read(name, [organization, ...values.slice(1)]),
        ),
      );
      // Those of others first: what comes first is what is taken.
      return found
        .flat()
        .toSorted((a, b) => Number(a.organization ?? 0) - Number(b.organization ?? 0));
    },
  };
  return { ...store, reader };
}

const test = await startService();
const { issuer, registry } = test;
for (const hasFilter of [true, false]) {
  it(`no organization opens a token of another, ${hasFilter ? 'by the query' : 'also when the query finds it'}`, async () => {
    const log = makeLog('error', { write: () => undefined });
    const open = hasFilter ? openStore : openWithoutFilter;
    const node = await openService(test.home, log, undefined, { open });
    after(() => node.close());
    const send = injecting(() => node.app, registry);
    const client = makeIssuerClient(send, issuer.credentials);
    let crossings = 0;
    let own = 0;
    for (const organization of ORGANIZATIONS) {
      const { cardNumber } = (await issuer.create({ organizationNumber: organization })).data;
      const pan = unpad((await issuer.numberOf(organization, cardNumber)).data.cardNumber);
      for (const other of ORGANIZATIONS) {
        const shown = await client.numberOf(other, unpad(cardNumber));
        const token = await client.tokenOf(other, pan);
        if (other === organization && hasFilter) {
          deepEqual([unpad(shown.data.cardNumber), token.data.panToken], [pan, cardNumber]);
          own++;
        }
        if (other === organization) continue;
        if (shown.text.includes(pan) || token.status === 200) crossings++;
        assert(shown.status === 422 || shown.status === 503, shown.text);
      }
    }
    equal(crossings, 0);
    equal(own, hasFilter ? ORGANIZATIONS.length : 0);
  });
}

it('a number is in nothing that is written, whichever field or header it came in', async () => {
  const canary = freshPan();
  registry.add(canary);
  const spaced = canary.replace(/(....)(?=.)/g, '$1 ');
  const { default: document } = await import('../../../docs/openapi.json', {
    with: { type: 'json' },
  });
  const good = await issuer.headers();
  const managed = await test.manager.headers();
  let sent = 0;
  for (const [path, item] of Object.entries(document.paths as Record<string, object>)) {
    for (const [method, operation] of Object.entries(item)) {
      const { requestBody } = operation as {
        requestBody?: { content: Record<string, { schema: { properties?: object } }> };
      };
      const [schema] = Object.values(requestBody?.content ?? {});
      const names = Object.keys(schema?.schema.properties ?? {});
      const isMerchants = path.startsWith('/api/cu/');
      const headers = isMerchants
        ? test.merchant.headers()
        : /bait|card-status|audit|callers/.test(path)
          ? managed
          : good;
      for (const name of [...names, 'unknown']) {
        for (const value of [canary, spaced, Number(canary), [canary], { [canary]: canary }]) {
          const body = {
            organizationNumber: 100,
            postToAccount: '1',
            cardNumber: '',
            [name]: value,
          };
          const request = { method: method.toUpperCase() as 'POST', path, headers };
          const isBare = names.length === 0;
          await test.send({ ...request, ...(isBare ? {} : { body: JSON.stringify(body) }) });
          sent++;
        }
      }
      for (const header of [
        'apikey',
        'x-clientid',
        'authorization',
        'x-client-request-id',
        'idempotency-key',
        'signature',
        'timestamp',
        'traceparent',
        'user-agent',
        'x-forwarded-for',
      ]) {
        const given = {
          ...headers,
          [header]: header === 'authorization' ? `Bearer ${canary}` : canary,
        };
        await test.send({
          method: method.toUpperCase() as 'POST',
          path: `${path}?q=${canary}`,
          headers: given,
          ...(names.length > 0 && { body: '{}' }),
        });
        sent++;
      }
    }
  }
  assert(sent > 400, `${sent} requests`);
  // Log, database and write-ahead log are scanned when the service stops.
  registry.demandAbsent('the log', Buffer.from(test.logText()));
  const port = await test.service.watch.listen(0, '127.0.0.1');
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  registry.demandAbsent('the metrics', Buffer.from(metrics));
  const records = JSON.stringify(test.audit());
  registry.demandAbsent('the audit log', Buffer.from(records));
  await test.restart();
});
