import { type Caller, demandOrganization, demandRight } from '../domain/caller.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { AuditArchive } from './audit-ports.ts';
import type { AuditRange } from './audit-range.ts';
import type { Audited } from './audit-trail.ts';
import { type AuditQuery, type FoundRecord, recordsOf } from './search-audit.ts';

/** Behind which block to go on: the number of its chain, and its position. */
export interface AuditCursor {
  readonly number: number;
  readonly position: number;
}

export interface ReadAuditRequest {
  readonly organization: OrganizationNumber;
  readonly range: AuditRange;
  readonly query: Omit<AuditQuery, 'organization'>;
  /** Ends behind the block that reaches it. */
  readonly limit: number;
  readonly after: AuditCursor;
}

export interface AuditPage {
  readonly records: readonly FoundRecord[];
  /** Undefined: there is no more. */
  readonly next?: AuditCursor;
}

export type ReadAuditRecords = (
  caller: Caller,
  request: ReadAuditRequest,
  requestId: string,
) => Promise<AuditPage>;

/** The log has no index: one call looks at so many blocks, some 20 ms of work each thousand. */
const BLOCKS_MAX = 2_000;

/**
 * The audit records of one organization, oldest first within each chain. What concerns others, or the
 * service as a whole, is not shown.
 *
 * @throws {Refusal} `ORGANIZATION_NOT_FOUND`, `RIGHT_MISSING`
 */
export function makeReadAuditRecords(deps: {
  readonly audited: Audited;
  readonly archive: AuditArchive;
}): ReadAuditRecords {
  const { audited, archive } = deps;
  return (caller, request, requestId) =>
    audited({ who: `caller:${caller.id}`, requestId }, 'search_audit', async (trail) => {
      trail.note({ organization: request.organization });
      demandOrganization(caller, request.organization);
      demandRight(caller, 'audit');
      const page = await readPage(archive, request);
      await trail.commit([]);
      return page;
    });
}

async function readPage(archive: AuditArchive, request: ReadAuditRequest): Promise<AuditPage> {
  const { organization, limit, after } = request;
  const { fromMs = 0, throughMs = Number.MAX_SAFE_INTEGER } = request.range;
  const records: FoundRecord[] = [];
  let blockCount = 0;
  for (const { opening, hash } of await archive.listOpenings()) {
    const { number } = opening;
    if (number < after.number || opening.openedAtMs > throughMs) continue;
    const position = number === after.number ? after.position : 0;
    for await (const stored of archive.blocksOf(opening, hash, position)) {
      const { recordedAtMs } = stored.block;
      if (recordedAtMs > throughMs) break;
      if (recordedAtMs >= fromMs) {
        records.push(...recordsOf(stored, { ...request.query, organization }));
      }
      if (++blockCount >= BLOCKS_MAX || records.length >= limit) {
        return { records, next: { number, position: stored.block.position } };
      }
    }
  }
  return { records };
}
