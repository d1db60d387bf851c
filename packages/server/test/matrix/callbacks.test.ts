import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MATRIX_PARTS, routesOf, startMatrix } from '../harness/matrix.ts';

const matrix = await startMatrix();
const { pan, ask, demandNoNumber } = matrix;

describe('what schemes push', () => {
  for (const path of ['visa', 'mastercard', 'visa/{secret}', 'mastercard/{secret}']) {
    it(`is taken of nobody where no scheme is connected: ${path}`, async () => {
      const sent = `/v1/callbacks/${path.replace('{secret}', 'x'.repeat(43))}`;
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ pan, cardNumber: pan });
      const reply = await ask(
        { method: 'POST', path: sent, headers, body },
        `/v1/callbacks/${path}`,
      );
      assert.equal(reply.status, 404);
      demandNoNumber(sent, reply);
    });
  }
});

it('the matrix of schemes asks every route, and every route is of one part of the matrix', () => {
  matrix.demandAllAsked('callbacks');
  for (const route of routesOf()) {
    const path = route.slice(route.indexOf('/'));
    const parts = Object.values(MATRIX_PARTS).filter((pattern) => pattern.test(path));
    assert.equal(parts.length, 1, route);
  }
});
