import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the files are read in place, relative to the project. They are not part of it. */
const FOLDER = fileURLToPath(new URL('../../../../shared/vectors/wycheproof/', import.meta.url));

export const FILE_COUNT = 22;

/** False, or why the files cannot be read: what `skip` of node:test takes. */
export const absent: string | false = existsSync(FOLDER)
  ? false
  : 'the Wycheproof files are not there: ../shared/vectors/wycheproof';

export interface WycheproofCase {
  readonly id: string;
  readonly radix: number;
  readonly key: Buffer;
  readonly tweak: Buffer;
  readonly message: number[];
  readonly ciphertext: number[];
  readonly flags: readonly string[];
  readonly result: 'valid' | 'invalid';
}

interface Group {
  readonly radix: number;
  readonly alphabet?: string;
  readonly tests: readonly {
    readonly tcId: number;
    readonly key: string;
    readonly tweak: string;
    readonly msg: string | number[];
    readonly ct: string | number[];
    readonly flags: readonly string[];
    readonly result: 'valid' | 'invalid';
  }[];
}

export function listFiles(): string[] {
  return readdirSync(FOLDER).filter((name) => /^aes_ff1_.*\.json$/.test(name));
}

export function readCases(file: string): WycheproofCase[] {
  const { testGroups } = JSON.parse(readFileSync(`${FOLDER}${file}`, 'utf8')) as {
    testGroups: readonly Group[];
  };
  return testGroups.flatMap(({ radix, alphabet, tests }) =>
    tests.map(({ tcId, key, tweak, msg, ct, flags, result }) => ({
      id: `${file} ${tcId}`,
      radix,
      key: Buffer.from(key, 'hex'),
      tweak: Buffer.from(tweak, 'hex'),
      message: toNumerals(msg, alphabet),
      ciphertext: toNumerals(ct, alphabet),
      flags,
      result,
    })),
  );
}

/** A symbol outside the alphabet becomes -1, which is no numeral of any radix. */
function toNumerals(text: string | number[], alphabet = ''): number[] {
  return typeof text === 'string' ? Array.from(text, (symbol) => alphabet.indexOf(symbol)) : text;
}
