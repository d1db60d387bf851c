import { readFileSync } from 'node:fs';
import { type FormatSpec, prepareKey, type TokenKey } from '../src/index.ts';

interface LiveKey {
  readonly epoch: number;
  readonly keyHex: string;
}

/** `vectors/pan-token-v1.json`: known answers, and what must be refused. */
export interface PanTokenVectors {
  readonly cases: readonly (LiveKey & {
    readonly format: FormatSpec;
    readonly pan: string;
    readonly token: string;
  })[];
  readonly notOurs: readonly {
    readonly format: FormatSpec;
    readonly live: readonly LiveKey[];
    readonly token: string;
    readonly why: string;
  }[];
  readonly refusedKeySets: readonly {
    readonly format: FormatSpec;
    readonly live: readonly LiveKey[];
    readonly why: string;
  }[];
  readonly refusedPans: readonly { readonly pan: string }[];
  readonly refusedFormats: readonly { readonly format: FormatSpec; readonly panLength: number }[];
}

export const vectors: PanTokenVectors = JSON.parse(
  readFileSync(new URL('vectors/pan-token-v1.json', import.meta.url), 'utf8'),
);

export function toKey({ epoch, keyHex }: LiveKey): TokenKey {
  return prepareKey(epoch, Buffer.from(keyHex, 'hex'));
}
