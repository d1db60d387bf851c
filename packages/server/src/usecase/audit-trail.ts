import assert from 'node:assert/strict';
import type { AuditAction, AuditRecord } from '../domain/audit-record.ts';
import { Refusal, type RefusalCode } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Change, Clock, CommitOutcome, Ledger } from './ports.ts';

/** Who asks, and which request it is. */
export interface RequestContext {
  /** `caller:<id>`, `merchant:<id>` or `operator`. */
  readonly who: string;
  readonly requestId: string;
}

/** What the record of a request says of its card, as far as it is known when the record is written. */
export type AuditFacts = Partial<
  Pick<AuditRecord, 'organization' | 'token' | 'maskedNumber' | 'status' | 'key'>
>;

/** The record of one request while it is being served. */
export interface Trail {
  note(facts: AuditFacts): void;
  /** A token of a closed epoch was seen: counted with the record of the refusal. */
  countSeen(organization: OrganizationNumber, epoch: number): void;
  /** Makes the changes and the record of the request durable together. Called last. */
  commit(changes: readonly Change[]): Promise<CommitOutcome>;
  /** The same, where a conflict is a refusal. @throws {Refusal} `code` */
  demandCommit(changes: readonly Change[], code: RefusalCode): Promise<void>;
}

export type Audited = <T>(
  context: RequestContext,
  action: AuditAction,
  serve: (trail: Trail) => Promise<T>,
) => Promise<T>;

/**
 * Runs a use case so that its record is durable before its answer leaves: as done, together with what
 * it changed, or as refused. A use case that returns without a record is a bug and does not answer.
 */
export function makeAudited({ ledger, clock }: { ledger: Ledger; clock: Clock }): Audited {
  return async (context, action, serve) => {
    let facts: AuditFacts = {};
    let recorded = false;
    const keptIfRefused: Change[] = [];
    const begin = { atMs: clock.nowMs(), who: context.who, action };
    const trail: Trail = {
      note(more) {
        facts = { ...facts, ...more };
      },
      countSeen(organization, epoch) {
        const { atMs } = begin;
        keptIfRefused.push({ kind: 'count_seen_token', organization, epoch, atMs });
      },
      async commit(changes) {
        const { requestId } = context;
        const audit: AuditRecord = { ...begin, outcome: 'done', ...facts, requestId };
        const outcome = await ledger.commit({ changes, audit });
        recorded = outcome.committed;
        return outcome;
      },
      async demandCommit(changes, code) {
        const outcome = await trail.commit(changes);
        if (!outcome.committed) throw new Refusal(code);
      },
    };
    try {
      const answer = await serve(trail);
      assert(recorded, `${action} answered without an audit record`);
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal) || error.code === 'STORE_UNAVAILABLE') throw error;
      const { requestId } = context;
      const { code } = error;
      const audit: AuditRecord = { ...begin, outcome: 'refused', code, ...facts, requestId };
      await ledger.commit({ changes: keptIfRefused, audit });
      throw error;
    }
  };
}
