import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PublicKey } from '../../src/audit/checkpoint.ts';
import { endLine, makeExportSum } from '../../src/audit/export-form.ts';
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

/**
 * Writes so many records through a real ledger and exports them.
 *
 * @param signedBlocks how many blocks there are when the checkpoint is signed; all, where left out.
 */
export async function makeExport(
  recordCount: number,
  signedBlocks = recordCount / RECORDS_PER_BLOCK,
): Promise<ExportParts> {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-export-'));
  const store = await openSqlite(join(folder, 'pantoken.db'));
  const ledger = makeLedger(store.committer);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signer = makeCheckpointSigner({ active: () => privateKey, living: () => [privateKey] });
  const notes: string[] = [];
  for (let done = 0; done < recordCount; done += RECORDS_PER_BLOCK) {
    const records = Array.from({ length: RECORDS_PER_BLOCK }, (_, index) => recordOf(done + index));
    await Promise.all(records.map((audit) => ledger.commit({ changes: [], audit })));
    if (done / RECORDS_PER_BLOCK + 1 === signedBlocks) {
      notes.push(...store.committer.tips().map((tip) => signer.sign(tip)));
    }
  }
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

/**
 * An export whose checkpoint was signed when it had `signed` of its blocks, and what somebody makes of
 * it who can write the file, but not sign: the first blocks, and an end whose counts and checksum fit.
 */
export async function makeCuts(blockCount: number, signed: number) {
  const { publicKey, before, blocks } = await makeExport(blockCount * RECORDS_PER_BLOCK, signed);
  const head = before.map(String).join('');
  return {
    notes: before.filter((line) => line.includes('"kind":"checkpoint"')).length,
    forgedCut: {
      publicKey,
      bytes(kept: number): Buffer {
        const body = head + blocks.slice(0, kept).flat().map(String).join('');
        const sum = makeExportSum();
        sum.add(body);
        const counts = { chainCount: 1, blockCount: kept, recordCount: kept * RECORDS_PER_BLOCK };
        return Buffer.from(`${body}${endLine({ kind: 'end', ...counts, sha256: sum.hex() })}\n`);
      },
    },
  };
}
