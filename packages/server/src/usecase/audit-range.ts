import type { ChainOpening } from '../audit/block.ts';
import type { AuditArchive, StoredBlock } from './audit-ports.ts';

/** A part of the audit log by time; without either, all of it. */
export interface AuditRange {
  /** Milliseconds since 1970 UTC. */
  readonly fromMs?: number | undefined;
  readonly throughMs?: number | undefined;
}

export function isWhole({ fromMs, throughMs }: AuditRange): boolean {
  return fromMs === undefined && throughMs === undefined;
}

/**
 * The blocks of a chain in a range: from the first one that is not before it, through the last one
 * that is not behind it; nothing between them is left out, even where a clock went back.
 */
export async function* readRange(
  archive: AuditArchive,
  opening: ChainOpening,
  hash: string,
  { fromMs = 0, throughMs = Number.MAX_SAFE_INTEGER }: AuditRange,
): AsyncGenerator<StoredBlock> {
  let hasBegun = false;
  if (opening.openedAtMs > throughMs) return;
  for await (const stored of archive.blocksOf(opening, hash, 0)) {
    const { recordedAtMs } = stored.block;
    hasBegun ||= recordedAtMs >= fromMs;
    if (recordedAtMs > throughMs) return;
    if (hasBegun) yield stored;
  }
}
