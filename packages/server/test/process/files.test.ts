import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startProgram } from '../harness/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'pantoken-files-'));
after(() => rmSync(folder, { recursive: true }));
const home = join(folder, 'service');

before(async () => {
  const { code, stderr } = await startProgram(['init', '--home', home]).ended;
  equal(code, 0, stderr);
});

/** What the command says on its way out; it must be one sentence and say what to do. */
async function refusalOf(...args: string[]): Promise<string> {
  const { code, stderr } = await startProgram([...args, '--home', home]).ended;
  equal(code, 1);
  match(stderr, /^pantoken: .+\n$/);
  doesNotMatch(stderr, /EEXIST|ENOENT|EISDIR|ENOTDIR/);
  return stderr;
}

describe('a command that writes a file', () => {
  it('says that a backup is not overwritten, and leaves it as it was', async () => {
    const target = join(folder, 'backup.db');
    const first = await startProgram(['db', 'backup', '--home', home, '--to', target]).ended;
    equal(first.code, 0, first.stderr);
    const bytes = readFileSync(target);
    const said = await refusalOf('db', 'backup', '--to', target);
    match(
      said,
      /backup\.db is there already and is not overwritten: name another, or move it away/,
    );
    deepEqual(readFileSync(target), bytes);
  });

  it('says which folder is missing', async () => {
    const said = await refusalOf('db', 'backup', '--to', join(folder, 'nowhere', 'backup.db'));
    match(said, /nowhere\/backup\.db is not there, or the folder it should be in is not/);
  });

  it('leaves no half of a key backup beside a share that is there already', async () => {
    const safe = join(folder, 'safe');
    mkdirSync(safe);
    writeFileSync(join(safe, 'share-2'), 'of another backup');
    match(await refusalOf('keys', 'backup', '--out', safe), /share-2 is there already/);
    deepEqual(readdirSync(safe), ['share-2']);
    equal(readFileSync(join(safe, 'share-2'), 'utf8'), 'of another backup');
  });

  it('puts no key back into a home that names its keys already', async () => {
    const [safe, lost] = [join(folder, 'safe-2'), join(folder, 'lost')];
    const made = ['keys', 'backup', '--out', safe, '--shares', '2', '--threshold', '2'];
    const { code, stderr } = await startProgram([...made, '--home', home]).ended;
    equal(code, 0, stderr);
    mkdirSync(lost);
    writeFileSync(join(lost, 'key-encryption-keys.json'), '{}');
    const restore = ['keys', 'restore', '--backup', join(safe, 'key-encryption-key.backup')];
    const shares = ['--share', join(safe, 'share-1'), '--share', join(safe, 'share-2')];
    const refused = await startProgram([...restore, ...shares, '--home', lost]).ended;
    equal(refused.code, 1);
    match(refused.stderr, /key-encryption-keys\.json is there already and is not overwritten/);
    deepEqual(readdirSync(lost), ['key-encryption-keys.json']);
  });

  it('says that a home is a file', async () => {
    const file = join(folder, 'letter');
    writeFileSync(file, 'Dear');
    const { code, stderr } = await startProgram(['init', '--home', file]).ended;
    equal(code, 1);
    match(stderr, /letter is there already/);
  });
});
