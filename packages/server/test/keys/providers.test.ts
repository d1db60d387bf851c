import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { PROVIDERS, parseKekSettings } from '../../src/keys/custody.ts';
import { type KekSettings, KeyProviderError } from '../../src/keys/kek.ts';
import { lacking } from '../harness/machine.ts';
import { makeSoftHsm } from '../harness/soft-hsm.ts';
import { startTransitServer } from '../harness/transit-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'pantoken-providers-'));
after(() => rmSync(folder, { recursive: true }));

const noHsm = lacking('softhsm2', 'pkcs11js');
const hsm = noHsm ? undefined : makeSoftHsm('pantoken-test');
const transit = await startTransitServer();
const passphraseFile = join(folder, 'passphrase');
writeFileSync(passphraseFile, 'correct horse battery staple\n', { mode: 0o600 });

const ALL: KekSettings[] = [
  { id: 'a', provider: 'file', options: { path: 'kek' } },
  { id: 'b', provider: 'passphrase', options: { path: 'sealed-kek', passphraseFile } },
  { id: 'c', provider: 'vault-transit', options: transit.options },
];
if (hsm) ALL.push({ id: 'd', provider: 'pkcs11', options: { ...hsm.options, keyLabel: 'kek' } });
for (const settings of ALL) await PROVIDERS[settings.provider].create(settings, folder);

const open = (settings: KekSettings) => PROVIDERS[settings.provider].open(settings, folder);

const says = (pattern: RegExp) => (error: unknown) => {
  assert(error instanceof KeyProviderError, String(error));
  assert.match(error.message, pattern);
  return true;
};

for (const settings of ALL) {
  describe(`a key-encryption key kept by ${settings.provider}`, () => {
    it('wraps keys that open with exactly the attributes they were wrapped with', async () => {
      const kek = await open(settings);
      for (const bytes of [randomBytes(32), randomBytes(2400)]) {
        const wrapped = await kek.wrap(['token', '100'], bytes);
        assert(!Buffer.from(wrapped).includes(bytes));
        assert.deepEqual(await kek.unwrap(['token', '100'], wrapped), bytes);
        assert.equal(await kek.unwrap(['token', '200'], wrapped), undefined);
        assert.equal(await kek.unwrap(['token1', '00'], wrapped), undefined);
        const changed = Uint8Array.from(wrapped);
        // A character in the middle of it, in whatever form the provider has.
        const at = Math.floor(changed.length / 2);
        changed[at] = changed[at] === 0x41 ? 0x42 : 0x41;
        assert.equal(await kek.unwrap(['token', '100'], changed), undefined);
      }
      await kek.check();
      await kek.close();
    });

    it('is the same one when it is opened again', async () => {
      const first = await open(settings);
      const wrapped = await first.wrap(['x'], Buffer.from('a key'));
      await first.close();
      const second = await open(settings);
      assert.equal(String(await second.unwrap(['x'], wrapped)), 'a key');
      await second.close();
    });

    it('has the options that it has, and no others', () => {
      assert.deepEqual(parseKekSettings(settings), settings);
      const { provider } = settings;
      assert.throws(() => parseKekSettings({ id: 'x', provider, options: {} }), /is missing/);
      const more = { ...settings.options, secret: 'x' };
      assert.throws(() => parseKekSettings({ id: 'x', provider, options: more }), /options of/);
    });
  });
}

describe('the key of the passphrase', () => {
  const [, settings] = ALL;
  assert(settings);

  it('is not opened by another passphrase, nor under another name', async () => {
    const other = join(folder, 'other-passphrase');
    writeFileSync(other, 'correct horse battery stable\n', { mode: 0o600 });
    const options = { ...settings.options, passphraseFile: other };
    await assert.rejects(open({ ...settings, options }), says(/does not open/));
    await assert.rejects(open({ ...settings, id: 'z' }), says(/does not open/));
  });

  it('is not made from a short one, nor read from a file that others can read', async () => {
    const short = join(folder, 'short');
    writeFileSync(short, 'short\n', { mode: 0o600 });
    const options = { path: 'never', passphraseFile: short };
    await assert.rejects(
      PROVIDERS.passphrase.create({ ...settings, options }, folder),
      says(/fewer than 16/),
    );
    chmodSync(short, 0o644);
    await assert.rejects(
      open({ ...settings, options: { ...settings.options, passphraseFile: short } }),
      says(/644/),
    );
  });

  it('is not in its file', () => {
    assert.match(readFileSync(join(folder, 'sealed-kek'), 'utf8'), /^pantoken-kek scrypt 17 8 1 /);
  });
});

describe('the key in SoftHSM2', { skip: noHsm }, () => {
  const settings = ALL.at(-1);
  assert(settings);

  it('cannot be extracted, and is not given out', () => {
    const { extractable, sensitive, value } = hsm?.attributesOf('kek') ?? assert.fail();
    assert.equal(extractable, false);
    assert.equal(sensitive, true);
    assert.match(value, /CKR_ATTRIBUTE_SENSITIVE/);
  });

  it('missing, or behind another token, module or PIN, is said clearly', async () => {
    const withOptions = (more: object) =>
      open({ ...settings, options: { ...settings.options, ...more } });
    await assert.rejects(withOptions({ keyLabel: 'none' }), says(/no key is labelled none/));
    await assert.rejects(withOptions({ tokenLabel: 'none' }), says(/no token is labelled none/));
    await assert.rejects(withOptions({ module: '/none.so' }), says(/none\.so/));
    await assert.rejects(withOptions({ pinFile: '/none' }), says(/none/));
  });
});

describe('the key in a transit engine', () => {
  const [, , settings] = ALL;
  assert(settings);

  it('of a server that is silent, sealed, or knows another token is given up in time', async () => {
    const kek = await open(settings);
    const wrapped = await kek.wrap(['x'], Buffer.from('a key'));
    transit.setMood('silent');
    await assert.rejects(kek.unwrap(['x'], wrapped), says(/gone \(time-out\)/));
    transit.setMood('sealed');
    await assert.rejects(kek.unwrap(['x'], wrapped), says(/answers 503/));
    transit.setMood('well');
    transit.setToken('hvs.second');
    await assert.rejects(kek.unwrap(['x'], wrapped), says(/answers 403/));
    // The agent has renewed the token.
    writeFileSync(join(transit.folder, 'token'), 'hvs.second', { mode: 0o600 });
    assert.equal(String(await kek.unwrap(['x'], wrapped)), 'a key');
  });

  it('is not used on a server that does not bind what a key belongs to', async () => {
    transit.setMood('ignores associated data');
    await assert.rejects(open(settings), says(/does not bind associated data/));
    transit.setMood('well');
  });

  it('is reached over TLS only, and only where the certificate is trusted', async () => {
    const { caFile: _, ...options } = settings.options;
    await assert.rejects(open({ ...settings, options }), says(/gone \(.*CERT.*\)/));
    const plain = { ...settings.options, address: 'http://vault.example:8200' };
    await assert.rejects(open({ ...settings, options: plain }), says(/https/));
    const nobody = { ...settings.options, address: 'https://127.0.0.1:1' };
    await assert.rejects(open({ ...settings, options: nobody }), says(/ECONNREFUSED/));
  });
});
