import assert, { deepEqual, equal, match } from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Refusal } from '../src/domain/error.ts';
import { CardNumber } from '../src/domain/pan.ts';
import { makeLog } from '../src/log.ts';
import { maskText } from '../src/log-text.ts';
import { panOf } from './harness/numbers.ts';
import { encodingsOf, makePanRegistry } from './harness/pan-registry.ts';

function openLog() {
  const lines: string[] = [];
  const log = makeLog('debug', { write: (line: string) => void lines.push(line) });
  return { log, lines, text: () => lines.join('') };
}

/** Without the zeros of made-up ones: base64 of zeros is `AAAA`, a word like any. */
const pan = panOf('540208', 917_342_685);
const secret = 'q7Hh2sXvT0pLk3mZyR8wB5nC1dJ4fG6aE9uQoIxYtVs';
const registry = makePanRegistry();
registry.add(pan);

/** What somebody may hand to the log without meaning to. */
function hostileObjects(value: string): readonly object[] {
  const cyclic: Record<string, unknown> = { value };
  cyclic.self = cyclic;
  const request = {
    ...{ method: 'POST', url: `/cards/${value}`, body: { cardNumber: value }, ip: value },
    headers: { authorization: `Bearer ${value}`, apikey: value, 'x-client-request-id': value },
    raw: { socket: { remoteAddress: value } },
  };
  const thrown = Object.assign(new Error(`cannot read ${value}`, { cause: new Error(value) }), {
    ...{ code: value, detail: value, hint: value, where: value, name: value, query: value },
  });
  return [
    request,
    { req: request },
    { request },
    { res: { statusCode: 200, body: value } },
    { reply: { payload: value } },
    { err: thrown },
    { err: value },
    { err: { message: value, stack: value } },
    { error: thrown },
    { err: new AggregateError([thrown], value) },
    { err: new SyntaxError(`Unexpected token in JSON: ...{"cardNumber":"${value}"}...`) },
    { err: new Refusal('BODY_NOT_JSON', { field: value }, { cause: thrown }) },
    { facts: { field: value, nested: { value }, [value]: 1, list: [value] } },
    { facts: [value] },
    { counts: { [value]: 1, other: value } },
    { alarm: value, code: value, requestId: value, signal: value },
    { a: { b: { c: { d: value } } } },
    { [value]: 1 },
    [value],
    new Map([[value, value]]),
    { toJSON: () => ({ value }) },
    { err: { toJSON: () => value } },
    { msg: value, level: value, time: value, pid: value, hostname: value },
    cyclic,
    {
      err: Object.assign(new Error('x'), { stack: `Error: ${value}\n    at ${value} (/a.ts:1:1)` }),
    },
    {
      get err() {
        throw new Error(value);
      },
    },
  ];
}

describe('the log', () => {
  for (const [encoding, bytes] of encodingsOf(pan)) {
    it(`writes no card number as ${encoding}, whatever it is handed`, () => {
      const { log, lines, text } = openLog();
      const value = bytes.toString('latin1');
      for (const hostile of hostileObjects(value)) {
        log.error(hostile, `a text with ${value} in it`);
        const loose = log as unknown as Record<'warn', (...all: unknown[]) => void>;
        loose.warn(hostile, '%s %o', value, hostile);
        log.setBindings(hostile);
        log.child(hostile as never).error({}, value);
      }
      log.error(value);
      log.error(new Error(value));
      (log as unknown as Record<'info', (...all: unknown[]) => void>).info(value, value);
      assert(lines.length > 20);
      registry.demandAbsent('the log', Buffer.from(text()));
    });
  }

  it('writes no secret either, nor a name or account', () => {
    const { log, text } = openLog();
    for (const value of [secret, 'ANA-MARIA_SCHMIDT_MUELLER_X', '０１２３４５６７８９０１２']) {
      for (const hostile of hostileObjects(value)) log.error(hostile, value);
      assert(!text().includes(value));
    }
  });

  it('writes fields by name and no other', () => {
    const { log, lines } = openLog();
    log.error({ alarm: 'record_damaged', facts: { action: 'inquire_number' }, more: 1 }, 'alarm');
    log.warn({ counts: { CREDENTIALS_INVALID: 3 } }, 'refused requests');
    const requestId = '0b0e7a54-5f0b-4b9e-9c83-1f8b7f2c6d10';
    log.error({ requestId, code: 'STORE_UNAVAILABLE', url: '/x' }, 'title');
    const parsed = lines.map((line) => JSON.parse(line));
    deepEqual(
      parsed.map(({ level: _level, time: _time, ...rest }) => rest),
      [
        { alarm: 'record_damaged', facts: { action: 'inquire_number' }, msg: 'alarm' },
        { counts: { CREDENTIALS_INVALID: 3 }, msg: 'refused requests' },
        { requestId, code: 'STORE_UNAVAILABLE', msg: 'title' },
      ],
    );
  });

  it('keeps of an error what finds its place, and what happened', () => {
    const { log, lines } = openLog();
    const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), {
      code: 'ECONNREFUSED',
    });
    log.error({ err: new Error('database or disk is full', { cause }) }, 'unexpected error');
    const { err } = JSON.parse(lines[0] ?? '');
    equal(err.message, 'database or disk is full');
    match(err.stack, /at .*log\.test\.ts:\d+:\d+/);
    deepEqual([err.cause.code, err.cause.message], ['ECONNREFUSED', 'connect ECONNREFUSED [...]']);
  });

  it('masks words with digits, quoted values and what is too long to be a word', () => {
    equal(maskText(`no card ${pan} here`), 'no card [...] here');
    equal(maskText('no card 5402 0800 0000 0013 here'), 'no card [...] [...] [...] [...] here');
    equal(maskText(`role "ANA" and 'BOB'`), 'role [...] and [...]');
    equal(maskText('A request took too long.'), 'A request took too long.');
  });

  it('prints no number that is in an object of ours', () => {
    const number = CardNumber.parseNumber(pan);
    const { log, text } = openLog();
    log.error({ facts: { number } as never }, `${number}`);
    registry.demandAbsent('the log', Buffer.from(text() + inspect(number)));
  });

  it('is the only place where a logger is made', () => {
    const { globSync, readFileSync } = createRequire(import.meta.url)('node:fs');
    const src = `${import.meta.dirname}/../src`;
    const users = globSync('**/*.ts', { cwd: src }).filter((file: string) =>
      /\bpino\(/.test(readFileSync(`${src}/${file}`, 'utf8')),
    );
    deepEqual(users, ['log.ts']);
  });
});
