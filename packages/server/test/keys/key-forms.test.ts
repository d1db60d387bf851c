import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { Refusal } from '../../src/domain/error.ts';
import { aesCmac } from '../../src/keys/aes-cmac.ts';
import { aesCheckValue, checkValueOf } from '../../src/keys/check-value.ts';
import { backUpKek, restoreKek } from '../../src/keys/kek-backup.ts';
import {
  makeKeyBlock,
  openKeyBlock,
  openTokenKeyBlock,
  TOKEN_KEY_HEADER,
} from '../../src/keys/key-block.ts';
import { formatComponent, joinComponents, parseComponent } from '../../src/keys/key-component.ts';

const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const key = (digits: string) => createSecretKey(hex(digits));

const isInputRefused = (error: unknown) =>
  error instanceof Refusal && error.code === 'KEY_INPUT_INVALID';

describe('AES-CMAC', () => {
  // NIST SP 800-38B, appendix D.1 (which RFC 4493 repeats) and D.3.
  const message = hex(
    '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
  );
  const examples = [
    [
      '2b7e151628aed2a6abf7158809cf4f3c',
      [
        [0, 'bb1d6929e95937287fa37d129b756746'],
        [16, '070a16b46b4d4144f79bdd9dd04a287c'],
        [40, 'dfa66747de9ae63030ca32611497c827'],
        [64, '51f0bebf7e3b9d92fc49741779363cfe'],
      ],
    ],
    [
      '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
      [
        [0, '028962f61b7bf89efc6b551f4667d983'],
        [16, '28a7023f452e8f82bd4bf28d8c37c35c'],
        [40, 'aaf3d8f1de5640c232f5b169b9c911e6'],
        [64, 'e1992190549f6ed5696a2c056c315410'],
      ],
    ],
  ] as const;

  for (const [digits, cases] of examples) {
    for (const [length, mac] of cases) {
      it(`of ${length} bytes under ${digits.length * 4} bits is what the standard says`, () => {
        assert.equal(aesCmac(key(digits), message.subarray(0, length)).toString('hex'), mac);
      });
    }
  }
});

describe('a check value', () => {
  it('is six digits, the same for the same key and purpose', () => {
    const bytes = randomBytes(32);
    assert.match(checkValueOf('token', bytes), /^[0-9A-F]{6}$/);
    assert.equal(checkValueOf('token', bytes), checkValueOf('data', bytes));
    assert.notEqual(checkValueOf('token', bytes), checkValueOf('index', bytes));
    assert.equal(aesCheckValue(bytes), checkValueOf('token', bytes));
  });

  it('is the CMAC of 16 zero bytes: that of the key of TR-31 example A.7.4 is 08793E by another maker', () => {
    assert.equal(aesCheckValue(hex('3F419E1CB7079442AA37474C2EFBF8B8')), '08793E');
  });
});

describe('a key block of ANSI X9.143', () => {
  // TR-31:2018, A.7.4.
  const transport = key('88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6');
  const example =
    'D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34';
  const header = {
    usage: 'P0',
    algorithm: 'A',
    modeOfUse: 'E',
    keyVersion: '00',
    exportability: 'E',
  };

  it('opens to the key and the attributes of the example in the standard', () => {
    const opened = openKeyBlock(transport, example);
    assert.equal(opened.bytes.toString('hex').toUpperCase(), '3F419E1CB7079442AA37474C2EFBF8B8');
    assert.deepEqual(opened.header, { ...header, optionalBlocks: [] });
  });

  it('is made as the example in the standard, with its padding', () => {
    const padding = () => hex('1C2965473CE206BB855B01533782');
    const bytes = hex('3F419E1CB7079442AA37474C2EFBF8B8');
    assert.equal(makeKeyBlock(transport, header, bytes, padding), example);
  });

  it('of another purpose than a token key is refused before its key is used', () => {
    assert.throws(() => openTokenKeyBlock(transport, example), isInputRefused);
    const bytes = randomBytes(32);
    const good = makeKeyBlock(transport, TOKEN_KEY_HEADER, bytes);
    assert.deepEqual(openTokenKeyBlock(transport, good), bytes);
    for (const change of [{ usage: 'K0' }, { algorithm: 'T' }, { modeOfUse: 'E' }]) {
      const other = makeKeyBlock(transport, { ...TOKEN_KEY_HEADER, ...change }, bytes);
      assert.throws(() => openTokenKeyBlock(transport, other), isInputRefused);
    }
  });

  it('with any character changed, cut, or under another transport key is refused', () => {
    for (let at = 0; at < example.length; at++) {
      const other = example[at] === '0' ? '1' : '0';
      const changed = example.slice(0, at) + other + example.slice(at + 1);
      assert.throws(() => openKeyBlock(transport, changed), isInputRefused, `at ${at}`);
    }
    assert.throws(() => openKeyBlock(transport, example.slice(0, -32)), isInputRefused);
    assert.throws(() => openKeyBlock(transport, ''), isInputRefused);
    assert.throws(() => openKeyBlock(createSecretKey(randomBytes(32)), example), isInputRefused);
  });
});

describe('the components of a key', () => {
  it('join to their exclusive or, in any order', () => {
    const [a, b, c] = [randomBytes(32), randomBytes(32), randomBytes(32)];
    const joined = joinComponents([a, b, c]);
    assert.deepEqual(joined, joinComponents([c, a, b]));
    for (let at = 0; at < 32; at++) {
      assert.equal(joined[at], (a[at] ?? 0) ^ (b[at] ?? 0) ^ (c[at] ?? 0));
    }
  });

  it('are typed with their check value, and a wrong digit is noticed', () => {
    const bytes = randomBytes(32);
    const text = formatComponent(bytes);
    assert.deepEqual(parseComponent(text), { bytes, checkValue: aesCheckValue(bytes) });
    assert.deepEqual(parseComponent(text.toLowerCase()).bytes, bytes);
    const digit = text[10] === 'A' ? 'B' : 'A';
    assert.throws(() => parseComponent(text.slice(0, 10) + digit + text.slice(11)), isInputRefused);
    assert.throws(() => parseComponent(text.slice(0, -7)), isInputRefused);
  });

  it('are two or three, and different', () => {
    const [a, b] = [randomBytes(32), randomBytes(32)];
    assert.throws(() => joinComponents([a]), isInputRefused);
    assert.throws(() => joinComponents([a, a]), isInputRefused);
    assert.throws(() => joinComponents([a, b, a]), isInputRefused);
    assert.throws(() => joinComponents([a, b, randomBytes(32), randomBytes(32)]), isInputRefused);
  });
});

describe('the backup of a key-encryption key', () => {
  const kek = { id: 'first', environment: 'test', bytes: randomBytes(32) };

  it('opens with any three of five shares, and with no two', async () => {
    const { backup, shares } = await backUpKek(kek, 5, 3);
    for (let a = 0; a < 5; a++) {
      for (let b = a + 1; b < 5; b++) {
        const two = [shares[a] ?? '', shares[b] ?? ''];
        await assert.rejects(restoreKek(backup, two), isInputRefused);
        for (let c = b + 1; c < 5; c++) {
          assert.deepEqual(await restoreKek(backup, [...two, shares[c] ?? '']), kek.bytes);
        }
      }
    }
    assert.deepEqual(await restoreKek(backup, shares), kek.bytes);
  });

  it('refuses a share of another backup, a wrong digit, one share twice, and a changed backup', async () => {
    const { backup, shares } = await backUpKek(kek, 3, 2);
    const other = await backUpKek(kek, 3, 2);
    const [one = '', two = ''] = shares;
    const digit = one[40] === 'a' ? 'b' : 'a';
    const wrong = one.slice(0, 40) + digit + one.slice(41);
    for (const given of [[one, other.shares[1] ?? ''], [one, one], [wrong, two], [one]]) {
      await assert.rejects(restoreKek(backup, given), isInputRefused);
    }
    const moved = { ...backup, environment: 'production' };
    await assert.rejects(restoreKek(moved, [one, two]), isInputRefused);
    await assert.rejects(backUpKek(kek, 3, 1), isInputRefused);
    await assert.rejects(backUpKek(kek, 3, 4), isInputRefused);
  });
});
