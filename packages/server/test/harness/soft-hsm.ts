import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

const MODULES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
];
const PIN = '493817';

/** A token of SoftHSM2, initialized and empty. */
export interface SoftHsm {
  readonly options: Readonly<Record<string, string>>;
  /** The attributes of a key, by a session of the test's own. */
  attributesOf(keyLabel: string): { extractable: boolean; sensitive: boolean; value: string };
  readonly folder: string;
}

/** Debian: `apt-get install softhsm2`. A machine without it fails here: see {@link lacking}. */
export function makeSoftHsm(tokenLabel: string): SoftHsm {
  const module = MODULES.find((path) => existsSync(path));
  assert(module !== undefined, 'SoftHSM2 is not installed: apt-get install softhsm2');
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-hsm-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'tokens'));
  writeFileSync(
    join(folder, 'softhsm2.conf'),
    `directories.tokendir = ${join(folder, 'tokens')}\n`,
  );
  process.env.SOFTHSM2_CONF = join(folder, 'softhsm2.conf');
  const secrets = ['--so-pin', '73619482', '--pin', PIN];
  execFileSync('softhsm2-util', ['--init-token', '--free', '--label', tokenLabel, ...secrets]);
  const pinFile = join(folder, 'pin');
  writeFileSync(pinFile, `${PIN}\n`, { mode: 0o600 });
  return {
    folder,
    options: { module, tokenLabel, pinFile },
    attributesOf: (keyLabel) => readAttributes(module, tokenLabel, keyLabel),
  };
}

/** What another program that knows the PIN is told. */
function readAttributes(module: string, tokenLabel: string, keyLabel: string) {
  const p = createRequire(import.meta.url)('pkcs11js');
  const token = new p.PKCS11();
  token.load(module);
  try {
    token.C_Initialize({ flags: p.CKF_OS_LOCKING_OK });
  } catch (error) {
    assert.match(String(error), /ALREADY_INITIALIZED/);
  }
  const slot = token
    .C_GetSlotList(true)
    .find((each: Buffer) => token.C_GetTokenInfo(each).label.trimEnd() === tokenLabel);
  const session = token.C_OpenSession(slot, p.CKF_SERIAL_SESSION);
  try {
    token.C_Login(session, p.CKU_USER, PIN);
  } catch (error) {
    assert.match(String(error), /ALREADY_LOGGED_IN/);
  }
  token.C_FindObjectsInit(session, [{ type: p.CKA_LABEL, value: keyLabel }]);
  const [key] = token.C_FindObjects(session, 2);
  token.C_FindObjectsFinal(session);
  const [extractable, sensitive] = token.C_GetAttributeValue(session, key, [
    { type: p.CKA_EXTRACTABLE },
    { type: p.CKA_SENSITIVE },
  ]);
  let value = 'it was given';
  try {
    token.C_GetAttributeValue(session, key, [{ type: p.CKA_VALUE }]);
  } catch (error) {
    value = (error as Error).message;
  }
  token.C_CloseSession(session);
  return { extractable: extractable.value[0] === 1, sensitive: sensitive.value[0] === 1, value };
}
