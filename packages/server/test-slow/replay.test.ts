import assert from 'node:assert/strict';
import { it } from 'node:test';
import { INQUIRE, signatureHeaders } from '../test/harness/issuer-client.ts';
import { startService } from '../test/harness/service.ts';

const COUNT = 100_000;

/** As many as a busy client has under way. */
const TOGETHER = 64;

const test = await startService();
const { issuer } = test;

it('100,000 captured requests, replayed before and after a restart: none is taken', async (context) => {
  const cardNumber = (await issuer.create()).data.cardNumber;
  const body = JSON.stringify({ organizationNumber: 100, cardNumber, functionType: 'P' });
  const headers = await issuer.headers();
  const captured: Record<string, string>[] = [];

  async function sendAll(from: number, to: number, signed: (index: number) => object) {
    const statuses: Record<string, number> = {};
    for (let start = from; start < to; start += TOGETHER) {
      const indexes = Array.from({ length: Math.min(TOGETHER, to - start) }, (_, i) => start + i);
      const replies = await Promise.all(
        indexes.map((index) =>
          test.service.app.inject({
            method: 'POST',
            url: INQUIRE,
            headers: { ...headers, ...signed(index) },
            payload: body,
          }),
        ),
      );
      for (const { statusCode, payload } of replies) {
        const code = JSON.parse(payload).errors[0]?.code ?? 'taken';
        const key = `${statusCode} ${code}`;
        statuses[key] = (statuses[key] ?? 0) + 1;
      }
    }
    return statuses;
  }

  const timestamp = String(Date.now() + 290_000); // As late as can be: good for nine minutes.
  const first = await sendAll(0, COUNT, (index) => {
    const id = `captured-${index}`;
    captured[index] = signatureHeaders(issuer.credentials, body, { id, timestamp });
    return captured[index];
  });
  assert.deepEqual(first, { '200 taken': COUNT });
  const half = COUNT / 2;
  const before = await sendAll(0, half, (index) => captured[index] ?? {});
  await test.restart();
  const after = await sendAll(half, COUNT, (index) => captured[index] ?? {});
  context.diagnostic(JSON.stringify({ first, before, after }));
  // On a slow machine the window ends before the last of them: then they are too old as well.
  for (const statuses of [before, after]) {
    assert(
      Object.keys(statuses).every((key) => /^401 (REQUEST_REPLAYED|SIGNATURE_INVALID)$/.test(key)),
    );
  }
});
