import {
  blockLine,
  checkpointLine,
  EXPORT_FORMAT,
  endLine,
  headLine,
  makeExportSum,
  openingLine,
} from '../audit/export-form.ts';
import type { AuditArchive } from './audit-ports.ts';
import { type AuditRange, isWhole, readRange } from './audit-range.ts';

/**
 * The audit log as an export, piece by piece. It can be verified without the database.
 *
 * @param notes signed checkpoints to go with it.
 */
export async function* exportAudit(
  archive: AuditArchive,
  range: AuditRange,
  notes: readonly string[],
  nowMs: number,
): AsyncGenerator<string> {
  const sum = makeExportSum();
  const counts = { chainCount: 0, blockCount: 0, recordCount: 0 };
  const piece = (lines: readonly string[]): string => {
    const text = lines.map((line) => `${line}\n`).join('');
    sum.add(text);
    return text;
  };
  const whole = isWhole(range);
  yield piece([headLine({ kind: 'export', format: EXPORT_FORMAT, exportedAtMs: nowMs, whole })]);
  yield piece(notes.map(checkpointLine));
  const openings = await archive.listOpenings();
  counts.chainCount = openings.length;
  yield piece(openings.map(({ opening, hash }) => openingLine(opening, hash)));
  for (const { opening, hash } of openings) {
    for await (const stored of readRange(archive, opening, hash, range)) {
      counts.blockCount++;
      counts.recordCount += stored.lines.length;
      yield piece([blockLine(stored.block, stored.hash), ...stored.lines]);
    }
  }
  yield `${endLine({ kind: 'end', ...counts, sha256: sum.hex() })}\n`;
}
