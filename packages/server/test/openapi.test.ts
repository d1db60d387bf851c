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
    // A tree: what is further in goes on with the path above it.
    const above: string[] = [];
    const served = printed.split('\n').flatMap((line) => {
      const [, indent = '', part = '', methods] =
        /^(\W*?)(\/\S*)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
      const depth = indent.length / 4;
      above.splice(depth - 1, above.length, (above[depth - 2] ?? '') + part);
      const path = (above[depth - 1] ?? '').replaceAll(/:(\w+)/g, '{$1}');
      return (methods?.split(', ') ?? []).map((method) => `${method} ${path}`);
    });
    const named = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const expected = served.filter((each) => !/^HEAD |\/openapi\.json$/.test(each));
    assert(expected.length > 0);
    assert.deepEqual(named.sort(), expected.sort());
  });
});
