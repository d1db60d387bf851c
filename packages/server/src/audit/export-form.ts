/**
 * The form of an export: one line of canonical JSON each, in this order:
 *
 * 1. `{"kind":"export",...}`: what it is an export of;
 * 2. `{"kind":"checkpoint",...}`: the signed notes that were known;
 * 3. `{"kind":"chain",...,"hash"}`: the opening of every chain, by number;
 * 4. for each chain its blocks, `{"kind":"block",...,"hash"}`, and behind each its records;
 * 5. `{"kind":"end",...}`: the counts, and SHA-256 over all bytes before.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { Block, ChainOpening } from './block.ts';
import { canonicalJson } from './canonical.ts';

export const EXPORT_FORMAT = 'pantoken-audit-export-1';

export interface ExportHead {
  readonly kind: 'export';
  readonly format: typeof EXPORT_FORMAT;
  readonly exportedAtMs: number;
  /** False: a part of the log. */
  readonly whole: boolean;
}

export interface ExportEnd {
  readonly kind: 'end';
  readonly chainCount: number;
  readonly blockCount: number;
  readonly recordCount: number;
  /** Of every byte before this line, 64 hexadecimal digits. */
  readonly sha256: string;
}

export const headLine = (head: ExportHead): string => canonicalJson(head);
export const checkpointLine = (note: string): string => canonicalJson({ kind: 'checkpoint', note });
export const openingLine = (opening: ChainOpening, hash: string): string =>
  canonicalJson({ ...opening, hash });
export const blockLine = (block: Block, hash: string): string => canonicalJson({ ...block, hash });
export const endLine = (end: ExportEnd): string => canonicalJson(end);

/** What a line is when it does not stand for a record. */
export type ExportLine =
  | ExportHead
  | ExportEnd
  | { readonly kind: 'checkpoint'; readonly note: string }
  | (ChainOpening & { readonly hash: string })
  | (Block & { readonly hash: string });

const HASH = /^[0-9a-f]{64}$/;
const CHAIN = /^[0-9a-z-]{1,64}$/;
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown) => typeof value === 'string' && value.length <= 4_096;
const isHash = (value: unknown) => typeof value === 'string' && HASH.test(value);
const isChain = (value: unknown) => typeof value === 'string' && CHAIN.test(value);
const isBoolean = (value: unknown) => typeof value === 'boolean';

/** Every field a line must have, and none that it must not. */
const FIELDS: Readonly<Record<ExportLine['kind'], Record<string, (value: unknown) => boolean>>> = {
  export: { kind: isText, format: isText, exportedAtMs: isCount, whole: isBoolean },
  checkpoint: { kind: isText, note: isText },
  chain: {
    ...{ kind: isText, number: isCount, chain: isChain, node: isText, openedAtMs: isCount },
    ...{ previousPosition: isCount, previousHash: isHash, hash: isHash },
  },
  block: {
    ...{ kind: isText, chain: isChain, position: isCount, previousHash: isHash },
    ...{ recordedAtMs: isCount, recordCount: isCount, recordsRoot: isHash, hash: isHash },
  },
  end: {
    ...{ kind: isText, chainCount: isCount, blockCount: isCount, recordCount: isCount },
    ...{ sha256: isHash },
  },
};

/** @returns undefined when it is not exactly one of the lines above. */
export function exportLineOf(
  value: Readonly<Record<string, unknown>> | undefined,
): ExportLine | undefined {
  if (value === undefined || typeof value.kind !== 'string') return undefined;
  const fields = Object.hasOwn(FIELDS, value.kind)
    ? FIELDS[value.kind as ExportLine['kind']]
    : undefined;
  if (fields === undefined) return undefined;
  const names = Object.keys(value);
  if (names.length !== Object.keys(fields).length) return undefined;
  const isGood = names.every((name) => Object.hasOwn(fields, name) && fields[name]?.(value[name]));
  return isGood ? (value as unknown as ExportLine) : undefined;
}

/** SHA-256 over an export as far as it has been written. */
export interface ExportSum {
  add(text: string): void;
  hex(): string;
}

export function makeExportSum(): ExportSum {
  const sum = createHash('sha256');
  return {
    add(text) {
      sum.update(text, 'utf8');
    },
    hex: () => sum.copy().digest('hex'),
  };
}
