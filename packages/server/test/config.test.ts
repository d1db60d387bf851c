import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfig, parsePort } from '../src/config.ts';

const problemsOf = (env: Record<string, string>): string => {
  try {
    parseConfig(env);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('configuration', () => {
  it('is loopback in plain HTTP when nothing is said', () => {
    const { host, port, transport } = parseConfig({});
    assert.deepEqual([host, port, transport.tls], ['127.0.0.1', 8480, undefined]);
    assert.deepEqual(transport.trustedProxies, []);
  });

  it('lets plain HTTP off loopback only when it is switched on by name', () => {
    assert.match(problemsOf({ PANTOKEN_HOST: '0.0.0.0' }), /PANTOKEN_PLAIN_HTTP=allow/);
    assert.equal(problemsOf({ PANTOKEN_HOST: '0.0.0.0', PANTOKEN_PLAIN_HTTP: 'allow' }), '');
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) {
      assert.equal(problemsOf({ PANTOKEN_HOST: host }), '', host);
    }
    const tls = { PANTOKEN_TLS_CERT_FILE: 'c.pem', PANTOKEN_TLS_KEY_FILE: 'k.pem' };
    assert.equal(problemsOf({ PANTOKEN_HOST: '0.0.0.0', ...tls }), '');
  });

  it('tells all of its problems at once, by name and without a value', () => {
    const told = problemsOf({
      PANTOKEN_PORT: '99999',
      PANTOKEN_TLS_CERT_FILE: 'only-one.pem',
      PANTOKEN_CLIENT_CERTIFICATES: 'maybe',
      PANTOKEN_PLAIN_HTTP: 'yes',
      PANTOKEN_TRUSTED_PROXIES: '10.0.0.0/8, somewhere',
      PANTOKEN_CONNECTIONS_MAX: '0',
      PANTOKEN_REQUESTS_MAX: '-1',
      PANTOKEN_SURPRISE: 'secret-value',
    });
    for (const name of ['PORT', 'TLS_CERT_FILE', 'CLIENT_CERTIFICATES', 'PLAIN_HTTP', 'SURPRISE']) {
      assert.match(told, new RegExp(`PANTOKEN_${name}`));
    }
    for (const name of ['TRUSTED_PROXIES', 'CONNECTIONS_MAX', 'REQUESTS_MAX']) {
      assert.match(told, new RegExp(`PANTOKEN_${name}`));
    }
    assert.doesNotMatch(told, /somewhere|secret-value|only-one|maybe/);
  });

  it('asks for certificates only where there is TLS', () => {
    assert.match(problemsOf({ PANTOKEN_CLIENT_CERTIFICATES: 'on' }), /needs TLS/);
  });

  it('is asked for our own variables only, and those of the tests are let be', () => {
    assert.equal(problemsOf({ PATH: '/bin', PORT: 'x', PANTOKEN_TEST_ANYTHING: 'x' }), '');
    assert.match(problemsOf({ PANTOKEN_PROT: '1' }), /^PANTOKEN_PROT is not a variable/);
    assert.match(problemsOf({ PANTOKEN_: '1' }), /^PANTOKEN_ is not a variable/);
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

  it('names no home that is empty, and no password file without a database', () => {
    assert.match(problemsOf({ PANTOKEN_HOME: '' }), /^PANTOKEN_HOME is empty/);
    assert.notEqual(problemsOf({ PANTOKEN_DATABASE_PASSWORD_FILE: '/x' }), '');
  });
});
