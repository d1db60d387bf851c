import assert from 'node:assert/strict';
import type { AuditAction, AuditRecord } from '../domain/audit-record.ts';
import { Refusal } from '../domain/error.ts';
import type { Alarm, Change, Clock, CommitOutcome, Ledger } from './ports.ts';

/** Who asks, and which request it is. */
export interface RequestContext {
  /** `caller:<id>`, `merchant:<id>` or `operator`. */
  readonly who: string;
  readonly requestId: string;
}

/** What the record of a request says of its card, as far as it is known when the record is written. */
export type AuditFacts = Partial<
  Pick<AuditRecord, 'organization' | 'token' | 'maskedNumber' | 'status' | 'losses'>
>;

/** The record of one request while it is being served. */
export interface Trail {
  note(facts: AuditFacts): void;
  /** Makes the changes and the record of the request durable together. Called last. */
  commit(changes: readonly Change[]): Promise<CommitOutcome>;
}

export type Audited = <T>(
  context: RequestContext,
  action: AuditAction,
  serve: (trail: Trail) => Promise<T>,
) => Promise<T>;

export interface AuditedDeps {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly alarm: Alarm;
}

/**
 * Runs a use case so that its record is durable before its answer leaves: as done, together with what
 * it changed, or as refused. A use case that returns without a record is a bug and does not answer.
 */
export function makeAudited(deps: AuditedDeps): Audited {
  const { ledger, clock, alarm } = deps;
  return async (context, action, serve) => {
    const { requestId } = context;
    let facts: AuditFacts = {};
    let recorded = false;
    const begin = { atMs: clock.nowMs(), who: context.who, action };
    const trail: Trail = {
      note(more) {
        facts = { ...facts, ...more };
      },
      async commit(changes) {
        const audit: AuditRecord = { ...begin, outcome: 'done', ...facts, requestId };
        const outcome = await ledger.commit({ changes, audit });
        recorded = outcome.committed;
        return outcome;
      },
    };
    try {
      const answer = await serve(trail);
      assert(recorded, `${action} answered without an audit record`);
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { code } = error;
      if (code === 'STORE_UNAVAILABLE') alarm.raise('audit_unavailable', { action });
      if (code === 'STORE_UNAVAILABLE' || code === 'TOO_BUSY') throw error;
      if (code === 'RECORD_DAMAGED') alarm.raise('record_damaged', { action });
      const audit: AuditRecord = { ...begin, outcome: 'refused', code, ...facts, requestId };
      await ledger.commit({ changes: [], audit });
      throw error;
    }
  };
}
