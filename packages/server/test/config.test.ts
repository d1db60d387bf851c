import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_PORT, parseConfig, parsePort } from '../src/config.ts';

/** The message of what is wrong with an environment. */
function problemsOf(env: Record<string, string>): string {
  try {
    parseConfig(env);
  } catch (error) {
    assert(error instanceof Error);
    return error.message;
  }
  return '';
}

describe('the environment', () => {
  it('may say nothing', () => {
    const { home, database, port, logLevel } = parseConfig({});
    assert.deepEqual(
      [home, database, port, logLevel],
      [undefined, undefined, DEFAULT_PORT, 'info'],
    );
  });

  it('is asked for our own variables only, and those of the tests are let be', () => {
    assert.equal(problemsOf({ PATH: '/bin', PORT: 'x', PANTOKEN_TEST_ANYTHING: 'x' }), '');
    assert.match(problemsOf({ PANTOKEN_PROT: '1' }), /^PANTOKEN_PROT is not a variable/);
    assert.match(problemsOf({ PANTOKEN_: '1' }), /^PANTOKEN_ is not a variable/);
  });

  it('is told all that is wrong with it at once, by name and without values', () => {
    const env = {
      PANTOKEN_PROT: 'canary-1',
      PANTOKEN_PORT: 'canary-2',
      PANTOKEN_HOME: '',
      PANTOKEN_LOG_LEVEL: 'canary-3',
      PANTOKEN_DATABASE_URL: 'mysql://user:canary-4@host/db',
    };
    const message = problemsOf(env);
    for (const name of Object.keys(env)) assert(message.includes(name), name);
    assert.equal(message.split('\n').length, 5);
    assert.doesNotMatch(message, /canary/);
  });

  it('names a port from 1 to 65535, in digits', () => {
    for (const text of ['1', '8480', '65535']) assert.equal(parsePort(text), Number(text));
    for (const text of [
      '',
      '0',
      '65536',
      '80 ',
      ' 80',
      '-1',
      '+80',
      '1e3',
      '0x50',
      '80.0',
      '８０',
    ]) {
      assert.equal(parsePort(text), undefined, text);
      assert.match(problemsOf({ PANTOKEN_PORT: text }), /^PANTOKEN_PORT is not an integer/);
    }
  });

  it('names no password file without a database', () => {
    assert.notEqual(problemsOf({ PANTOKEN_DATABASE_PASSWORD_FILE: '/x' }), '');
  });
});
