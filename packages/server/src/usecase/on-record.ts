import type { AuditAction } from '../domain/audit-record.ts';
import { Refusal } from '../domain/error.ts';
import { type Audited, type AuditFacts, isOnRecord, type RequestContext } from './audit-trail.ts';

/** Runs what writes records of its own as it goes, and puts on record as well what it refuses before. */
export type OnRecord = <T>(
  context: RequestContext,
  action: AuditAction,
  facts: AuditFacts,
  work: () => Promise<T>,
) => Promise<T>;

export function makeOnRecord({ audited }: { readonly audited: Audited }): OnRecord {
  return async (context, action, facts, work) => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refusal) || isOnRecord(error)) throw error;
      return audited(context, action, (trail) => {
        trail.note(facts);
        return Promise.reject(error);
      });
    }
  };
}
