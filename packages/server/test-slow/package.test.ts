import assert, { deepEqual, equal, match } from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, it } from 'node:test';
import { buildPackage, DIST } from '../scripts/build-package.ts';
import type { SandboxCredentials } from '../src/cli/sandbox.ts';
import { makeIssuerClient } from '../test/harness/issuer-client.ts';
import { makeMerchantClient } from '../test/harness/merchant-client.ts';
import { freshPan } from '../test/harness/numbers.ts';
import { makePanRegistry } from '../test/harness/pan-registry.ts';
import { fetching } from '../test/harness/send.ts';
import { freePort } from '../test/harness/server.ts';

/*
 * The packages as npm gives them to somebody: built, packed, and installed where nothing else is. npm
 * brings the dependencies from its cache, or from the registry.
 */

const ROOT = join(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'pantoken-package-'));
const installed = join(folder, 'installed');
const program = join(installed, 'node_modules/.bin/pantoken');
const env = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };
after(() => rmSync(folder, { recursive: true }));

const npm = (cwd: string, ...args: string[]) =>
  execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

before(() => {
  buildPackage();
  npm(ROOT, 'pack', '--silent', '--pack-destination', folder, './packages/pan-token', DIST);
  mkdirSync(installed);
  writeFileSync(join(installed, 'package.json'), '{ "private": true }\n');
  const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  equal(tarballs.length, 2);
  const paths = tarballs.map((name) => join(folder, name));
  npm(installed, 'install', '--prefer-offline', '--no-audit', '--no-fund', ...paths);
});

const run = (...args: string[]) => execFileSync(program, args, { env, encoding: 'utf8' });

it('holds what runs, and nothing of the workspace', () => {
  const package_ = join(installed, 'node_modules/pantoken');
  deepEqual(readdirSync(package_).sort(), [
    ...['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json', 'src'],
  ]);
  const manifest = JSON.parse(readFileSync(join(package_, 'package.json'), 'utf8'));
  for (const name of ['private', 'devDependencies', 'scripts']) equal(manifest[name], undefined);
  assert(existsSync(join(package_, 'src/store/migrations/0001-first.sql')));
});

it('pantoken --help and --version run', () => {
  match(run('--help'), /pantoken \[options\] \[command\][\s\S]*sandbox/);
  match(run('--version'), /^\d+\.\d+\.\d+\n$/);
});

it('pantoken sandbox starts, makes a card, shows it, validates it and stops', async () => {
  const port = await freePort();
  const home = join(folder, 'sandbox');
  const given = { ...env, PANTOKEN_HOME: home, PANTOKEN_PORT: String(port) };
  const child = spawn(program, ['sandbox'], { env: given, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    printed += text;
  });
  while (!printed.includes('Ctrl-C stops it.')) {
    await Promise.race([once(child.stdout, 'data'), ended]);
    equal(child.exitCode, null, printed);
  }
  const text = readFileSync(join(home, 'credentials.json'), 'utf8');
  const credentials = JSON.parse(text) as SandboxCredentials;
  const registry = makePanRegistry();
  const send = fetching(credentials.url, registry);
  const [caller] = credentials.callers;
  assert(caller);
  const issuer = makeIssuerClient(send, caller);
  const pan = freshPan();
  const made = await issuer.create({ cardNumber: pan, expirationDate: '2030-11-01' });
  const shown = await issuer.numberOf(100, made.data.cardNumber);
  equal(shown.data.cardNumber, `000${pan}`);
  const { merchant, servicePublicKeyPem } = credentials;
  const client = makeMerchantClient(send, registry, { ...merchant, servicePublicKeyPem });
  const fields = { pan, expmonth: '11', expyear: '2030', merchantid: merchant.merchantid };
  const encdata = client.encrypt(JSON.stringify(fields));
  equal(client.decrypt(await client.post(JSON.stringify({ encdata }))).status, 'V');
  child.kill('SIGTERM');
  deepEqual(await ended, [0, null]);
});
