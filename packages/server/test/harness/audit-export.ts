import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PublicKey } from '../../src/audit/checkpoint.ts';
import { makeExportVerifier } from '../../src/audit/export-verifier.ts';
import type { Verification } from '../../src/audit/verifier.ts';
import type { AuditRecord } from '../../src/domain/audit-record.ts';
import { makeCheckpointSigner } from '../../src/keys/checkpoint-signer.ts';
import { makeAuditArchive } from '../../src/store/audit-archive.ts';
import { makeLedger } from '../../src/store/ledger.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { exportAudit } from '../../src/usecase/export-audit.ts';

/** An export, cut where its parts begin. */
export interface ExportParts {
  readonly publicKey: PublicKey;
  /** Head, checkpoints and openings, each with its line break. */
  readonly before: readonly Buffer[];
  /** Each block: its head and its records, each with its line break. */
  readonly blocks: readonly (readonly Buffer[])[];
  readonly after: Buffer;
}

export const RECORDS_PER_BLOCK = 5;

/** Writes so many records through a real ledger and exports them. */
export async function makeExport(recordCount: number): Promise<ExportParts> {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-export-'));
  const store = await openSqlite(join(folder, 'pantoken.db'));
  const ledger = makeLedger(store.committer);
  for (let done = 0; done < recordCount; done += RECORDS_PER_BLOCK) {
    const records = Array.from({ length: RECORDS_PER_BLOCK }, (_, index) => recordOf(done + index));
    await Promise.all(records.map((audit) => ledger.commit({ changes: [], audit })));
  }
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signer = makeCheckpointSigner({ active: () => privateKey, living: () => [privateKey] });
  const notes = store.committer.tips().map((tip) => signer.sign(tip));
  let text = '';
  for await (const piece of exportAudit(makeAuditArchive(store.reader), {}, notes, 1)) {
    text += piece;
  }
  await store.close();
  rmSync(folder, { recursive: true });
  const lines = text.split(/(?<=\n)/).map((line) => Buffer.from(line));
  const starts = lines.flatMap((line, at) => (line.includes('"kind":"block"') ? [at] : []));
  const [first = 0] = starts;
  return {
    publicKey,
    before: lines.slice(0, first),
    blocks: starts.map((start, at) => lines.slice(start, starts[at + 1] ?? -1)),
    after: lines.at(-1) ?? Buffer.alloc(0),
  };
}

function recordOf(index: number): AuditRecord {
  return {
    atMs: 1_700_000_000_000 + index,
    who: `caller:${String(index % 7).padStart(32, '0')}`,
    action: index % 3 === 0 ? 'create_card' : 'inquire_number',
    outcome: 'done',
    organization: 100 as never,
    token: `540208A${String(index).padStart(5, '0')}${String(index % 9973).padStart(4, '0')}`,
    requestId: `request-${index}`,
  };
}

/** Verifies bytes as the command line does. */
export function verifyBytes(publicKey: PublicKey, bytes: Buffer): Verification {
  const verifier = makeExportVerifier([publicKey], [], 1_000_000);
  let start = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
    verifier.line(bytes.subarray(start, end));
    start = end + 1;
  }
  if (start < bytes.length) verifier.line(bytes.subarray(start));
  return verifier.end(start === bytes.length);
}

/** Changes the lines of a block; undefined: there is nothing to change in this way. */
export type Edit = (lines: readonly Buffer[]) => readonly Buffer[] | undefined;

/**
 * Makes one edit in each third block, and demands that each of them is found by itself: reported at
 * that block or at the one behind it, which nothing was changed in. Three calls, for `phase` 0, 1 and
 * 2, edit every block once.
 *
 * @returns how many edits were made.
 */
export function demandFound(parts: ExportParts, phase: number, edit: Edit, what: string): number {
  const edited = new Set<number>();
  const blocks = parts.blocks.map((lines, at) => {
    const changed = at % 3 === phase ? edit(lines) : undefined;
    if (changed !== undefined) edited.add(at + 1);
    return changed ?? lines;
  });
  if (edited.size === 0) return 0;
  const bytes = Buffer.concat([...parts.before, ...blocks.flat(), parts.after]);
  const found = new Set<number>();
  for (const { chain, position } of verifyBytes(parts.publicKey, bytes).problems) {
    if (chain !== '') found.add(position);
  }
  for (const position of edited) {
    const isLast = position === parts.blocks.length;
    const isFound = found.has(position) || found.has(isLast ? position - 1 : position + 1);
    assert(isFound, `${what} in block ${position} was not found`);
  }
  return edited.size;
}

/** Changes one byte of a block; which bits of it, `salt` decides. */
export function byteEdit(at: number, salt: number): Edit {
  return (lines) => {
    const bytes = Buffer.concat(lines);
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    bytes[at] = byte ^ (1 + ((at * 31 + salt * 7) % 255));
    return [bytes];
  };
}

const record = (at: number) => at + 1; // The head of the block is in front of its records.

export const removeRecord =
  (at: number): Edit =>
  (lines) =>
    lines.filter((_, index) => index !== record(at));

export const doubleRecord =
  (at: number): Edit =>
  (lines) =>
    lines.flatMap((line, index) => (index === record(at) ? [line, line] : [line]));

/** With the next one; the last of a block with the first. */
export const swapRecord =
  (at: number): Edit =>
  (lines) => {
    const swapped = [...lines];
    const other = record((at + 1) % (lines.length - 1));
    const [a, b] = [lines[record(at)], lines[other]];
    if (a === undefined || b === undefined) return undefined;
    swapped[record(at)] = b;
    swapped[other] = a;
    return swapped;
  };

/** The length of the longest block. */
export function longestBlock({ blocks }: ExportParts): number {
  return Math.max(...blocks.map((lines) => Buffer.concat(lines).length));
}
