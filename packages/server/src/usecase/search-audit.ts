import type { AuditRecord } from '../domain/audit-record.ts';
import type { AuditArchive, StoredBlock } from './audit-ports.ts';
import { type AuditRange, readRange } from './audit-range.ts';

/** What a record must have; what is left out may be anything. */
export type AuditQuery = Partial<
  Pick<
    AuditRecord,
    | 'who'
    | 'action'
    | 'outcome'
    | 'code'
    | 'organization'
    | 'token'
    | 'maskedNumber'
    | 'bait'
    | 'requestId'
  >
>;

/** A record and where it stands. */
export interface FoundRecord {
  readonly chain: string;
  readonly position: number;
  /** Its place in the block, from 0. */
  readonly index: number;
  readonly record: AuditRecord;
}

/**
 * The records that fit a query, chain by chain, oldest first. It reads all that is in the range: the
 * log has no index, because each would be paid for by every request.
 */
export async function* searchAudit(
  archive: AuditArchive,
  range: AuditRange,
  query: AuditQuery,
): AsyncGenerator<FoundRecord> {
  for (const { opening, hash } of await archive.listOpenings()) {
    for await (const stored of readRange(archive, opening, hash, range)) {
      yield* recordsOf(stored, query);
    }
  }
}

/** The records of one block that fit. */
export function* recordsOf(
  { block, lines }: StoredBlock,
  query: AuditQuery,
): Generator<FoundRecord> {
  const wanted = Object.entries(query).filter(([, value]) => value !== undefined);
  for (const [index, line] of lines.entries()) {
    const record: AuditRecord = JSON.parse(line);
    const fits = wanted.every(([name, value]) => record[name as keyof AuditQuery] === value);
    if (fits) yield { chain: block.chain, position: block.position, index, record };
  }
}
