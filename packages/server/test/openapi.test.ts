import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { OPENAPI_DOC, renderOpenapiDoc } from '../scripts/openapi-doc.ts';
import { startService } from './harness/service.ts';

const { send, service } = await startService();

describe('the OpenAPI document', () => {
  it('in docs/openapi.json says what the code does; `npm run docs` writes it anew', async () => {
    assert.equal(readFileSync(OPENAPI_DOC, 'utf8'), await renderOpenapiDoc());
  });

  it('is served as it is in docs', async () => {
    const reply = await send({ method: 'GET', path: '/openapi.json' });
    assert.equal(reply.status, 200);
    assert.deepEqual(JSON.parse(reply.text), JSON.parse(readFileSync(OPENAPI_DOC, 'utf8')));
  });

  it('names every route there is', async () => {
    const document = JSON.parse(readFileSync(OPENAPI_DOC, 'utf8'));
    const printed = service.app.printRoutes({ commonPrefix: false, includeHooks: false });
    const served = [...printed.matchAll(/(\/\S*) \(([A-Z, ]+)\)/g)].flatMap(
      ([, path = '', methods = '']) =>
        methods.split(', ').map((method) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`),
    );
    const named = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const expected = served.filter((each) => !/^HEAD |\/openapi\.json$/.test(each));
    assert(expected.length > 0);
    assert.deepEqual(named.sort(), expected.sort());
  });
});
