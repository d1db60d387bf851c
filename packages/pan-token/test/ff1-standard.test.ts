import { deepEqual } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FF1 } from '@noble/ciphers/ff1.js';
import { ff1Decrypt, ff1Encrypt } from '../src/index.ts';

/** The nine FF1 samples that NIST publishes with SP 800-38G. */
const KEYS = {
  'AES-128': '2B7E151628AED2A6ABF7158809CF4F3C',
  'AES-192': '2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F',
  'AES-256': '2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94',
};
const SAMPLES = [
  {
    number: 1,
    key: KEYS['AES-128'],
    radix: 10,
    tweak: '',
    plain: '0123456789',
    cipher: '2433477484',
  },
  {
    number: 2,
    key: KEYS['AES-128'],
    radix: 10,
    tweak: '39383736353433323130',
    plain: '0123456789',
    cipher: '6124200773',
  },
  {
    number: 3,
    key: KEYS['AES-128'],
    radix: 36,
    tweak: '3737373770717273373737',
    plain: '0123456789abcdefghi',
    cipher: 'a9tv40mll9kdu509eum',
  },
  {
    number: 4,
    key: KEYS['AES-192'],
    radix: 10,
    tweak: '',
    plain: '0123456789',
    cipher: '2830668132',
  },
  {
    number: 5,
    key: KEYS['AES-192'],
    radix: 10,
    tweak: '39383736353433323130',
    plain: '0123456789',
    cipher: '2496655549',
  },
  {
    number: 6,
    key: KEYS['AES-192'],
    radix: 36,
    tweak: '3737373770717273373737',
    plain: '0123456789abcdefghi',
    cipher: 'xbj3kv35jrawxv32ysr',
  },
  {
    number: 7,
    key: KEYS['AES-256'],
    radix: 10,
    tweak: '',
    plain: '0123456789',
    cipher: '6657667009',
  },
  {
    number: 8,
    key: KEYS['AES-256'],
    radix: 10,
    tweak: '39383736353433323130',
    plain: '0123456789',
    cipher: '1001623463',
  },
  {
    number: 9,
    key: KEYS['AES-256'],
    radix: 36,
    tweak: '3737373770717273373737',
    plain: '0123456789abcdefghi',
    cipher: 'xs8a0azh2avyalyzuwd',
  },
];

describe('the FF1 samples of NIST SP 800-38G', () => {
  for (const sample of SAMPLES) {
    it(`hold in both directions: sample ${sample.number}`, () => {
      const key = Buffer.from(sample.key, 'hex');
      const tweak = Buffer.from(sample.tweak, 'hex');
      const plain = toNumerals(sample.plain);
      const cipher = toNumerals(sample.cipher);
      deepEqual(
        FF1(sample.radix, key, tweak).encrypt(plain),
        cipher,
        'the sample itself is mistyped',
      );
      deepEqual(ff1Encrypt({ key, radix: sample.radix, tweak }, plain), cipher);
      deepEqual(ff1Decrypt({ key, radix: sample.radix, tweak }, cipher), plain);
    });
  }
});

function toNumerals(text: string): number[] {
  return Array.from(text, (symbol) => Number.parseInt(symbol, 36));
}
