import { ok } from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';

const SRC = join(import.meta.dirname, '../src');

/**
 * What each folder of `src` may import, type imports too. To change the design, change this. The
 * files beside the folders (`main.ts`, `service.ts`) put everything together and may import all.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: ['domain', '@pantoken/pan-token'],
  audit: ['audit', 'domain', 'canonicalize', 'node:crypto'],
  usecase: ['usecase', 'audit', 'domain', 'node:assert/strict'],
  store: [
    ...['store', 'usecase', 'audit', 'domain', 'node:assert/strict', 'node:crypto', 'node:fs'],
    ...['node:fs/promises', 'node:path', 'node:sqlite', 'node:timers/promises', 'pg'],
    ...['node:worker_threads'],
  ],
  keys: [
    ...['keys', 'usecase', 'audit', 'domain', '@pantoken/pan-token', 'jose', 'uuid'],
    ...['node:assert/strict', 'node:crypto', 'node:fs', 'node:path', 'node:worker_threads'],
    ...['http-message-signatures'],
    'node:os', // The thread of the private key gives way to those that everybody waits for.
    // The network is for a key-encryption key that a server keeps; the shares are of its backup.
    ...['node:http', 'node:https', 'node:util', 'shamir-secret-sharing'],
  ],
  connectors: [
    ...['connectors', 'usecase', 'domain', 'cockatiel', 'jose', 'mastercard-oauth1-signer'],
    ...['node:crypto', 'node:dns', 'node:fs', 'node:https', 'node:net', 'node:path'],
  ],
  simulators: [
    ...['simulators', 'domain', 'jose', 'node:child_process', 'node:crypto', 'node:events'],
    ...['node:fs', 'node:http', 'node:https', 'node:net', 'node:path', 'node:tls'],
  ],
  http: [
    ...['http', 'usecase', 'domain', 'fastify', 'typebox', 'node:assert/strict', 'node:crypto'],
    // http-message-signatures reads RFC 9421's fields; TLS is where certificates of clients are.
    ...[
      ...['@fastify/proxy-addr', '@fastify/swagger'],
      '..', // package.json, for the version in the OpenAPI document.
      'http-message-signatures',
      ...['node:http', 'node:https', 'node:events'], // What listens, and how whole requests come in.
      'node:net',
      'node:tls',
      'node:https',
      'node:fs',
    ],
    'node:timers/promises', // Who asks too much is told after a moment.
  ],
  watch: [
    ...['watch', 'usecase', 'domain', 'node:dns', 'node:http', 'node:https', 'node:net', 'node:os'],
    ...['node:crypto', 'node:tls', 'prom-client'], // node:crypto: the ids of spans.
  ],
  cli: [
    ...['cli', 'usecase', 'audit', 'domain', 'commander', 'node:crypto', 'node:fs', 'node:path'],
    ...['node:readline'],
  ],
};

/** The dependencies of the server, on npm. One more is a decision: see docs/adr. */
const DEPENDENCIES = [
  '@fastify/proxy-addr',
  '@fastify/swagger',
  '@pantoken/pan-token',
  'cockatiel',
  'canonicalize',
  'commander',
  'fastify',
  'http-message-signatures',
  'jose',
  'mastercard-oauth1-signer',
  'pg',
  'pino',
  'prom-client',
  'shamir-secret-sharing',
  'typebox',
  'uuid',
];

describe('architecture', () => {
  for (const file of globSync('*/**/*.ts', { cwd: SRC })) {
    it(`${file} keeps the direction of the arrows`, () => {
      const [folder = ''] = file.split('/');
      for (const target of importsOf(file)) {
        ok(MAY_IMPORT[folder]?.includes(target), `${folder}/ may not import ${target}`);
      }
    });
  }

  for (const file of globSync('**/*.ts', { cwd: SRC })) {
    it(`${file} is short enough to be read at once`, () => {
      const lineCount = readFileSync(join(SRC, file), 'utf8').split('\n').length;
      ok(lineCount <= 300, `${lineCount} lines`);
    });
  }

  it('the server depends on what was decided, in exact versions, and the heart on nothing', () => {
    const server = packageOf('../package.json');
    ok(
      Object.keys(server).every((name) => DEPENDENCIES.includes(name)),
      `unexpected dependency among ${Object.keys(server)}`,
    );
    ok(Object.values(server).every((version) => /^\d+\.\d+\.\d+$/.test(version)));
    ok(Object.keys(packageOf('../../pan-token/package.json')).length === 0);
  });
});

function packageOf(path: string): Record<string, string> {
  const text = readFileSync(join(import.meta.dirname, path), 'utf8');
  return JSON.parse(text).dependencies ?? {};
}

/** Each import of `file`: a package name, or for a relative one the folder of `src` it reaches. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(SRC, file), 'utf8');
  const specifiers = source.matchAll(/^(?:import|export)\b(?:[^;']*\bfrom)? '([^']+)'/gm);
  return [...specifiers].map(([, specifier = '']) => {
    if (!specifier.startsWith('.')) return specifier;
    const [folder = ''] = relative(SRC, join(SRC, dirname(file), specifier)).split('/');
    return folder;
  });
}
