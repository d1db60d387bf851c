import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { parseFormat, prepareKey, tokenize } from '@pantoken/pan-token';
import { Refusal, type RefusalCode } from '../../src/domain/error.ts';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import { restoreHome } from '../../src/key-tools.ts';
import { makeKeyBlock, openTokenKeyBlock, TOKEN_KEY_HEADER } from '../../src/keys/key-block.ts';
import { demandAllReadable, makeKeyHome, sqlitePlace } from '../harness/key-home.ts';
import {
  KEY_OPERATOR,
  newToken,
  openTestHome,
  rotate,
  withKeyTools,
} from '../harness/key-tools.ts';
import { lacking } from '../harness/machine.ts';
import { startService, type TestService } from '../harness/service.ts';
import { makeSoftHsm } from '../harness/soft-hsm.ts';
import { readRows } from '../harness/written-files.ts';

const LETTERS = 100 as OrganizationNumber;
const letterOf = (token: string) => token[6] ?? '';
const given = (bytes: Uint8Array) => async () => bytes;
const refusal = (code: RefusalCode) => (error: unknown) =>
  error instanceof Refusal && error.code === code;

// The service comes first: what ends first is what began first, and it ends with its keys.
const hsmService = await startService();
const noHsm = lacking('softhsm2', 'pkcs11js');
const hsm = noHsm ? undefined : makeSoftHsm('pantoken-custody');
const keyHome = await makeKeyHome(20);

/** Adds a key-encryption key, puts everything under it, and forgets the one in the file. */
async function moveTo(test: TestService, settings: object): Promise<void> {
  const path = join(test.home, 'new-kek.json');
  writeFileSync(path, JSON.stringify(settings), { mode: 0o600 });
  await withKeyTools(test, async (tools) => {
    await tools.keks.add(KEY_OPERATOR, path, 'create');
    const { rewrappedCount } = await tools.rewrap(KEY_OPERATOR, 'new');
    assert.equal(rewrappedCount, test.rows('select * from wrapped_key').length);
    assert.deepEqual(await tools.rewrap(KEY_OPERATOR, 'new'), { rewrappedCount: 0 });
    await tools.keks.remove(KEY_OPERATOR, 'first');
  });
  rmSync(join(test.home, 'key-encryption-key'));
}

const keksOf = (test: TestService) =>
  test.rows('select distinct kek from wrapped_key').map(({ kek }) => kek);

describe('a service with its key-encryption key in SoftHSM2', { skip: noHsm }, () => {
  const test = hsmService;

  it('is moved there while it serves, and starts, rotates and serves from there', async () => {
    const old = await newToken(test, LETTERS);
    const number = async () => (await test.issuer.numberOf(LETTERS, old)).data.cardNumber;
    const pan = await number();
    assert(hsm);
    const options = { ...hsm.options, keyLabel: 'pantoken' };
    await moveTo(test, { id: 'new', provider: 'pkcs11', options });
    assert.deepEqual(keksOf(test), ['new']);
    assert.equal(await number(), pan);
    assert.equal(await rotate(test, LETTERS, letterOf), 2);
    await test.restart();
    assert.equal(await number(), pan);
    assert.equal(letterOf(await newToken(test, LETTERS)), 'B');
    assert.deepEqual(keksOf(test), ['new']);
    const { extractable, sensitive, value } = hsm.attributesOf('pantoken');
    assert.deepEqual({ extractable, sensitive }, { extractable: false, sensitive: true });
    assert.match(value, /CKR_ATTRIBUTE_SENSITIVE/);
  });

  it('does not start without its token, and says what is missing', async () => {
    const pin = join(hsm?.folder ?? '', 'pin');
    renameSync(pin, `${pin}-away`);
    await assert.rejects(openTestHome(test.home), /pin/);
    renameSync(`${pin}-away`, pin);
    await (await openTestHome(test.home)).close();
  });
});

describe('a token key from outside', () => {
  const parts = [randomBytes(32), randomBytes(32), randomBytes(32)] as const;
  const [a, b, c] = parts;

  it('comes in as three components, waits, and makes tokens when it is rotated to', async () => {
    const test = { home: keyHome.copy() };
    await withKeyTools(
      test,
      async (tools) => {
        const bytes = tools.joinComponents([a, b, c]);
        const expected = parts.reduce((x, y) => Buffer.from(x.map((v, i) => v ^ (y[i] ?? 0))));
        assert.deepEqual(Buffer.from(bytes), expected);
        const { epoch, checkValue } = await tools.importKey(KEY_OPERATOR, LETTERS, given(bytes));
        assert.equal(epoch, 2);
        assert.match(checkValue, /^[0-9A-F]{6}$/);
        await assert.rejects(
          tools.importKey(KEY_OPERATOR, LETTERS, given(randomBytes(32))),
          refusal('EPOCH_STATE'),
        );
        assert.equal((await tools.rotate(KEY_OPERATOR, LETTERS)).epoch, 2);
        await tools.retokenize(KEY_OPERATOR, LETTERS, () => undefined);
        const again = tools.importKey(KEY_OPERATOR, LETTERS, given(bytes));
        await assert.rejects(again, refusal('KEY_EXISTS'));
      },
      { pause: async () => undefined },
    );
    // Who has the components makes the very tokens that the service made.
    const key = prepareKey(
      2,
      parts.reduce((x, y) => Buffer.from(x.map((v, i) => v ^ (y[i] ?? 0)))),
    );
    const format = parseFormat({ alphabet: 'alphanumeric', keepFirst: 6, keepLast: 4 });
    const database = new DatabaseSync(join(test.home, 'pantoken.db'), { readOnly: true });
    const kept = database
      .prepare('select token from card_number')
      .all()
      .map(({ token }) => token);
    database.close();
    const made = keyHome.cards.map(({ pan }) => tokenize(format, key, pan));
    assert.deepEqual(kept.sort(), made.sort());
  });

  it('comes in as a key block under a transport key, and goes out as one', async () => {
    const test = { home: keyHome.copy() };
    const bytes = randomBytes(32);
    const transport = createSecretKey(
      Buffer.from(parts[0]?.map((v, i) => v ^ (parts[1]?.[i] ?? 0)) ?? []),
    );
    const block = makeKeyBlock(transport, TOKEN_KEY_HEADER, bytes);
    await withKeyTools(test, async (tools) => {
      const opened = tools.openKeyBlock(block, [a, b]);
      await tools.importKey(KEY_OPERATOR, LETTERS, given(opened));
      const exported = await tools.exportKey(KEY_OPERATOR, LETTERS, 2, [a, b]);
      assert.deepEqual(openTokenKeyBlock(transport, exported.keyBlock), bytes);
      assert.throws(() => tools.openKeyBlock(block, [a, c]), refusal('KEY_INPUT_INVALID'));
    });
  });

  it('is refused when it is no random key', async () => {
    const test = { home: keyHome.copy() };
    await withKeyTools(test, async (tools) => {
      for (const bytes of [Buffer.alloc(32), randomBytes(16), Buffer.from('0123'.repeat(8))]) {
        await assert.rejects(
          tools.importKey(KEY_OPERATOR, LETTERS, given(bytes)),
          refusal('KEY_INPUT_INVALID'),
        );
      }
    });
  });
});

describe('the disaster drill', () => {
  it('a new machine serves all tokens from two backups and three custodians, and not from fewer', async () => {
    const folder = join(keyHome.home, '..', 'drill');
    const safe = join(folder, 'safe');
    const source = new DatabaseSync(join(keyHome.home, 'pantoken.db'), { readOnly: true });
    mkdirSync(safe, { recursive: true });
    await backup(source, join(safe, 'pantoken.db'));
    source.close();
    await withKeyTools(keyHome, (tools) => tools.backUp(KEY_OPERATOR, safe, 5, 3));
    const sealed = join(safe, 'key-encryption-key.backup');
    const shares = [5, 1, 3].map((each) => join(safe, `share-${each}`));

    const lost = join(folder, 'without-custodians');
    await assert.rejects(
      restoreHome(lost, sealed, shares.slice(0, 2)),
      refusal('KEY_INPUT_INVALID'),
    );
    mkdirSync(lost, { recursive: true });
    copyFileSync(join(safe, 'pantoken.db'), join(lost, 'pantoken.db'));
    await assert.rejects(openTestHome(lost), /key-encryption-keys\.json is missing/);

    const found = join(folder, 'new-machine');
    await restoreHome(found, sealed, shares);
    copyFileSync(join(safe, 'pantoken.db'), join(found, 'pantoken.db'));
    await demandAllReadable(sqlitePlace(found), keyHome.cards);

    // Another key-encryption key opens nothing.
    writeFileSync(join(found, 'key-encryption-key'), `${'00'.repeat(32)}\n`);
    await assert.rejects(openTestHome(found), refusal('KEY_DAMAGED'));
  });
});

describe('the inventory', () => {
  it('names every key with its strength, age and tokens, and warns of old ones', async () => {
    const later = { clock: { nowMs: () => Date.now() + 340 * 86_400_000 } };
    const inventory = await withKeyTools(keyHome, (tools) => tools.list(KEY_OPERATOR), later);
    assert.equal(inventory.environment, 'default');
    const own = inventory.keys.find((each) => each.purpose === 'token');
    assert(own);
    const { id, checkValue, created, stateSince, warning, ...rest } = own;
    assert.deepEqual(rest, {
      ...{ organization: 100, purpose: 'token', epoch: 1, state: 'active' },
      ...{ algorithm: 'FF1 with AES-256', keyBits: 256, strengthBits: 256, kek: 'first' },
      ...{ ageDays: 340, tokenCount: 20, replacedTokenCount: 0, seenCount: 0 },
    });
    assert.match(warning ?? '', /token key 1 of organization 100 .* 25 days are left/);
    const rows = readRows(keyHome.home, 'select * from wrapped_key');
    assert.equal(inventory.keys.length, rows.length);
    assert.equal(inventory.warnings.length, rows.length);
    assert.deepEqual(inventory.keyEncryptionKeys, [
      {
        ...{ id: 'first', provider: 'file', algorithm: 'AES-256-GCM', keyBits: 256 },
        ...{ strengthBits: 256, isCurrent: true, wrappedCount: rows.length },
      },
    ]);
    const data = inventory.keys.find(({ purpose }) => purpose === 'data');
    assert.equal(data?.sealedCount, 40); // A number and a card each.
    const used = inventory.cryptography.map(({ algorithm }) => algorithm).join();
    for (const { algorithm } of inventory.keys) {
      assert(used.includes(algorithm.split(/[ -]/)[0] ?? ''), algorithm);
    }
    const now = await withKeyTools(keyHome, (tools) => tools.list(KEY_OPERATOR));
    assert.deepEqual(now.warnings, []);
  });
});
