import type { AuditAction } from '../domain/audit-record.ts';
import type { Refusal } from '../domain/error.ts';
import { type Audited, isOnRecord, type RequestContext } from './audit-trail.ts';

export type RecordRefusal = (
  context: RequestContext,
  action: AuditAction,
  refusal: Refusal,
) => Promise<void>;

/**
 * Records what was refused to somebody authenticated before a use case began, such as a malformed
 * field. What a use case refused is on record already and is left alone.
 *
 * @throws {Refusal} when it cannot be recorded.
 */
export function makeRecordRefusal({ audited }: { audited: Audited }): RecordRefusal {
  return async (context, action, refusal) => {
    if (isOnRecord(refusal)) return;
    try {
      await audited(context, action, () => Promise.reject(refusal));
    } catch (error) {
      if (error !== refusal) throw error;
    }
  };
}
