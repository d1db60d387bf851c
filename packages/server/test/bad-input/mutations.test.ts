import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseJsonBody } from '../../src/http/json-body.ts';
import { demandRefusal, jsonRoutes } from '../harness/routes.ts';
import { startService } from '../harness/service.ts';

const tests = await startService();
const { send } = tests;

/** One change to the text of a body: bytes put in, taken out or exchanged. */
const edits = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.integer({ min: 0, max: 3 }),
  insert: fc.oneof(
    fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '\\', '\u0000', 'e9', '-', '.', ' '),
    fc.constantFrom('"a":1,', '"__proto__":{},', '\\u0030', '５', '٥', '\ud83d', 'null', 'true'),
    fc.string({ maxLength: 4 }),
  ),
});

describe('a body with bytes changed', () => {
  it('is served or refused at every route, and never an internal error', async () => {
    const routes = jsonRoutes(tests);
    const good = new Map(
      await Promise.all(routes.map(async (route) => [route, await route.fields()] as const)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        fc.array(edits, { minLength: 1, maxLength: 3 }),
        async (route, changes) => {
          const body = changes.reduce(
            (text, { at, remove, insert }) => {
              const start = Math.floor(at * text.length);
              return text.slice(0, start) + insert + text.slice(start + remove);
            },
            JSON.stringify(good.get(route)),
          );
          const request = { ...route, headers: await route.headers(), body };
          const reply = await send(request);
          if (reply.status !== 200) demandRefusal(reply, route.face, request);
        },
      ),
      { numRuns: 600 },
    );
    assert.doesNotMatch(tests.logText(), /unexpected error/);
  });

  it('never passes when a digit of its card number is another', async () => {
    const routes = jsonRoutes(tests).filter(({ face }) => face !== 'problem');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        fc.integer({ min: 0, max: 15 }),
        fc.constantFrom('5', '٥', 'x', ' ', '\u0000', '', '55', '-', '.', 'e', '\u200b'),
        async (route, at, text) => {
          const fields = await route.fields();
          const number = String(fields[route.numberField]);
          const changed = number.slice(0, at) + text + number.slice(at + 1);
          if (/^[0-9]{12,19}$/.test(changed)) return; // A number, and another one.
          const body = JSON.stringify({ ...fields, [route.numberField]: changed });
          const request = { ...route, headers: await route.headers(), body };
          demandRefusal(await send(request), route.face, request);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('the reader of bodies', () => {
  it('reads what has no key twice as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        assert.deepEqual(parseJsonBody(Buffer.from(text)), JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it('refuses every key that comes twice, wherever and however it is spelt', () => {
    const key = fc.oneof(fc.string(), fc.constantFrom('pan', '__proto__', '"', '\\', ':', ''));
    const spell = (text: string, isEscaped: boolean) =>
      isEscaped
        ? `"${[...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
        : JSON.stringify(text);
    fc.assert(
      fc.property(
        key,
        fc.boolean(),
        fc.jsonValue({ maxDepth: 3 }),
        fc.integer({ min: 0, max: 5 }),
        (name, isEscaped, value, depth) => {
          const text = JSON.stringify(value);
          const object = `{${spell(name, false)}:${text},"other:":"a:b",${spell(name, isEscaped)}:${text}}`;
          const nested = '[{"deep":'.repeat(depth) + object + '}]'.repeat(depth);
          assert.throws(() => parseJsonBody(Buffer.from(nested)), { code: 'BODY_DUPLICATE_KEY' });
        },
      ),
      { numRuns: 500 },
    );
  });
});
