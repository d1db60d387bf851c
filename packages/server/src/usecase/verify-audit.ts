import { type Checkpoint, openNote, type PublicKey } from '../audit/checkpoint.ts';
import { makeVerifier, type Verification } from '../audit/verifier.ts';
import type { AuditArchive } from './audit-ports.ts';
import { type AuditRange, isWhole, readRange } from './audit-range.ts';

export interface VerifyAuditRequest {
  readonly range: AuditRange;
  /** Signed notes of the second place. */
  readonly notes: readonly string[];
  readonly publicKeys: readonly PublicKey[];
}

/** Goes through the audit log in the database, whole or in part, and reports what is not as written. */
export async function verifyAudit(
  archive: AuditArchive,
  { range, notes, publicKeys }: VerifyAuditRequest,
): Promise<Verification> {
  const checkpoints: Checkpoint[] = [];
  let badCount = 0;
  for (const note of notes) {
    const checkpoint = openNote(note, publicKeys);
    if (checkpoint === undefined) badCount++;
    else checkpoints.push(checkpoint);
  }
  const verifier = makeVerifier(checkpoints, isWhole(range));
  if (badCount > 0) verifier.problem(`${badCount} checkpoints with a signature that is not good`);
  const openings = await archive.listOpenings();
  for (const { opening, hash } of openings) verifier.opening(opening, hash);
  for (const { opening, hash } of openings) {
    for await (const stored of readRange(archive, opening, hash, range)) {
      verifier.block(stored.block, stored.hash, stored.lines);
    }
  }
  return verifier.end();
}
