import assert from 'node:assert/strict';
import { createDecipheriv, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { compactDecrypt, decodeProtectedHeader } from 'jose';
import type { CallerKey } from '../src/domain/caller.ts';
import { Refusal } from '../src/domain/error.ts';
import type { OrganizationNumber } from '../src/domain/organization-number.ts';
import { addCaller } from './harness/add-caller.ts';
import { freshPan } from './harness/numbers.ts';
import { operator, startService } from './harness/service.ts';

const test = await startService();
const { issuer, channel } = test;
const ORGANIZATION = 100 as OrganizationNumber;

const pan = freshPan();
const token = (await issuer.create({ cardNumber: pan })).data.cardNumber;

const refusal = (code: string) => (error: unknown) =>
  error instanceof Refusal && error.code === code;

function encryptionKey(id: string, fromMs = 0, bits = 2048) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const publicKeyPem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  const key: CallerKey = { use: 'encryption', id, publicKeyPem, fromMs };
  return { key, privateKey };
}

/** Takes one block apart by hand: AES-256 of 32 digits of packed decimal. */
function openZoneBlock(key: Uint8Array, hex: string): string {
  const decipher = createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  const digits = decipher.update(hex, 'hex', 'hex') + decipher.final('hex');
  assert.match(digits, /^0{13}[0-9]{19}$/);
  return digits.slice(13);
}

describe('a number leaves as JWE', () => {
  it('that only the registered key opens, with its kid', async () => {
    const { key, privateKey } = encryptionKey('2026-a');
    const caller = await addCaller(test, { numberForm: 'jwe', keys: [key] });
    const reply = await caller.numberOf(100, token);
    const { plaintext } = await compactDecrypt(reply.data.cardNumber, privateKey);
    assert.equal(new TextDecoder().decode(plaintext), pan);
    const header = decodeProtectedHeader(reply.data.cardNumber);
    assert.deepEqual(header, { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: '2026-a' });
    assert.equal(reply.data.panToken, token);
    assert(!reply.text.includes(pan));
  });

  it('under the key whose time has come, while several stand side by side', async () => {
    const first = encryptionKey('first');
    const second = encryptionKey('second', Date.now() + 3_600_000);
    const caller = await addCaller(test, { numberForm: 'jwe', keys: [first.key] });
    const change = test.service.changeCallerKeys;
    await change(operator, caller.name, { kind: 'add', key: second.key });
    const kid = async () =>
      decodeProtectedHeader((await caller.numberOf(100, token)).data.cardNumber).kid;
    assert.equal(await kid(), 'first');
    test.moveClock(3_600_001);
    const after = await addCaller(test, { numberForm: 'jwe', keys: [first.key, second.key] });
    const reply = await after.numberOf(100, token);
    assert.equal(decodeProtectedHeader(reply.data.cardNumber).kid, 'second');
    await change(operator, caller.name, { kind: 'remove', use: 'encryption', id: 'first' });
    await assert.rejects(
      change(operator, caller.name, { kind: 'remove', use: 'encryption', id: 'second' }),
      refusal('REQUEST_INVALID'),
    );
    test.moveClock(-3_600_001);
  });

  it('and never in clear when no key is in use yet', async () => {
    const { key } = encryptionKey('tomorrow', Date.now() + 86_400_000);
    const caller = await addCaller(test, { numberForm: 'jwe', keys: [key] });
    const refused = await caller.numberOf(100, token);
    assert.deepEqual([refused.status, refused.code], [422, 'ENCRYPTION_KEY_MISSING']);
  });

  it('to no key that is weak, private or of another kind', async () => {
    const weak = encryptionKey('weak', 0, 1024).key;
    const { privateKey } = encryptionKey('x');
    const privatePem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const signing = generateKeyPairSync('ed25519').publicKey;
    const otherPem = String(signing.export({ type: 'spki', format: 'pem' }));
    for (const publicKeyPem of [weak.publicKeyPem, privatePem, otherPem, 'no key']) {
      const keys = [{ ...weak, publicKeyPem }];
      await assert.rejects(
        addCaller(test, { numberForm: 'jwe', keys }),
        refusal('REQUEST_INVALID'),
      );
    }
    await assert.rejects(addCaller(test, { numberForm: 'jwe' }), refusal('REQUEST_INVALID'));
  });
});

describe('a number under a zone key', () => {
  it('is refused while the organization has none', async () => {
    const caller = await addCaller(test, { numberForm: 'zone-key' });
    assert.equal((await caller.numberOf(100, token)).code, 'VPL5SIE31S');
    assert.equal((await caller.tokenOf(100, '0'.repeat(31).concat('A'))).code, 'VPL5SIE31S');
  });

  it('leaves as 32 hexadecimal digits and comes in as the same', async () => {
    const { bytes } = await test.service.addZoneKey(operator, ORGANIZATION);
    const caller = await addCaller(test, { numberForm: 'zone-key' });
    const { cardNumber } = (await caller.numberOf(100, token)).data;
    assert.match(cardNumber, /^[0-9A-F]{32}$/);
    assert.equal(openZoneBlock(bytes, cardNumber), pan.padStart(19, '0'));
    for (const sent of [cardNumber, cardNumber.toLowerCase()]) {
      assert.equal((await channel.tokenOf(100, sent)).data.panToken, token);
    }
  });

  it('under the next key opens, and what was sent under the one before', async () => {
    const caller = await addCaller(test, { numberForm: 'zone-key' });
    const before = (await caller.numberOf(100, token)).data.cardNumber;
    const given = Buffer.alloc(32, 7);
    const { epoch } = await test.service.addZoneKey(operator, ORGANIZATION, given);
    assert.equal(epoch, 2);
    const after = (await caller.numberOf(100, token)).data.cardNumber;
    assert.notEqual(after, before);
    assert.equal(openZoneBlock(given, after), pan.padStart(19, '0'));
    for (const sent of [before, after]) {
      assert.equal((await channel.tokenOf(100, sent)).data.panToken, token);
    }
    await test.service.addZoneKey(operator, ORGANIZATION);
    assert.equal((await channel.tokenOf(100, before)).code, 'VPL5SIE33S');
    assert.equal((await channel.tokenOf(100, after)).data.panToken, token);
  });

  it('of another organization, or changed on the way, does not open', async () => {
    const caller = await addCaller(test, { numberForm: 'zone-key' });
    const sent = (await caller.numberOf(100, token)).data.cardNumber;
    for (let at = 0; at < 32; at++) {
      const digit = sent[at] === '0' ? '1' : '0';
      const changed = sent.slice(0, at) + digit + sent.slice(at + 1);
      assert.equal((await channel.tokenOf(100, changed)).code, 'VPL5SIE33S');
    }
    await test.service.addZoneKey(operator, 200 as OrganizationNumber);
    assert.equal((await channel.tokenOf(200, sent)).code, 'VPL5SIE33S');
    assert.equal((await channel.tokenOf(100, sent.slice(1))).code, 'VPL5SIE32S');
  });

  it('is read again after a restart', async () => {
    const caller = await addCaller(test, { numberForm: 'zone-key' });
    const sent = (await caller.numberOf(100, token)).data.cardNumber;
    await test.restart();
    assert.equal((await channel.tokenOf(100, sent)).data.panToken, token);
  });

  it('is no token: P refuses it', async () => {
    assert.equal((await issuer.numberOf(100, 'A'.repeat(32))).code, 'VPL5SIE32S');
  });

  it('key has exactly 32 bytes', async () => {
    const short = Buffer.alloc(16);
    await assert.rejects(
      test.service.addZoneKey(operator, ORGANIZATION, short),
      refusal('REQUEST_INVALID'),
    );
  });
});
