import assert, { equal, match } from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { unpad } from './harness/issuer-client.ts';
import { freshPan } from './harness/numbers.ts';
import { startService } from './harness/service.ts';

const test = await startService();
const port = await test.service.watch.listen(0, '127.0.0.1');
const get = async (path: string) => {
  const reply = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: reply.status, text: await reply.text() };
};
after(() => test.service.watch.close());

describe('watching it run', () => {
  it('says that it lives and is ready', async () => {
    equal((await get('/livez')).status, 200);
    const ready = await get('/readyz');
    equal(ready.status, 200);
    assert.deepEqual(JSON.parse(ready.text), { ready: true, missing: [], degraded: [] });
    equal((await get('/')).status, 404);
    const posted = await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' });
    equal(posted.status, 405);
  });

  it('shows rates, refusals, latencies, budgets, keys and lags, and nothing of a card', async () => {
    const pan = freshPan();
    const created = await test.issuer.create({ cardNumber: pan });
    const token = unpad(created.data.cardNumber);
    await test.issuer.numberOf(100, token);
    await test.channel.numberOf(100, token);
    const { status, text } = await get('/metrics');
    equal(status, 200);
    for (const line of [
      /^pantoken_request_duration_seconds_count\{operation="inquire_number",status="2xx"\} [1-9]/m,
      /^pantoken_request_duration_seconds_bucket\{le="0.0005",operation="create_card",status="2xx"\}/m,
      /^pantoken_refusals_total\{code="NUMBER_FORBIDDEN"\} 1$/m,
      /^pantoken_audit_writable 1$/m,
      /^pantoken_audit_unsigned_blocks \d+$/m,
      /^pantoken_audit_lag_seconds /m,
      /^pantoken_budget_used_ratio\{window="day"\} [0-9.e-]+$/m,
      /^pantoken_key_age_seconds\{organization="100",purpose="token"\} /m,
      /^nodejs_eventloop_lag_p99_seconds /m,
    ]) {
      match(text, line);
    }
    test.registry.demandAbsent('the metrics', Buffer.from(text));
    for (const secret of [token, test.issuer.credentials.apikey, test.issuer.credentials.secret]) {
      assert(!text.includes(secret));
    }
  });
});
