import assert from 'node:assert/strict';
import type { AuditAction, AuditRecord } from '../domain/audit-record.ts';
import { Refusal } from '../domain/error.ts';
import type { SignedNonce } from '../domain/signed-nonce.ts';
import type { PendingNonces } from './pending-nonces.ts';
import type { Change, Clock, CommitOutcome, Ledger, Unit } from './ports.ts';

/** Who asks, and which request it is. */
export interface RequestContext {
  /** `caller:<id>`, `merchant:<id>` or `operator`. */
  readonly who: string;
  readonly requestId: string;
}

/** What the record of a request says of its card, as far as it is known when the record is written. */
export type AuditFacts = {
  readonly [Name in 'organization' | 'token' | 'maskedNumber' | 'status']?:
    | AuditRecord[Name]
    | undefined;
};

/** The record of one request while it is being served. */
export interface Trail {
  note(facts: AuditFacts): void;
  /** Makes the changes and the record of the request durable together. Called last. */
  commit(changes: readonly Change[]): Promise<CommitOutcome>;
}

/** Refusals whose record is durable. */
const onRecord = new WeakSet<Refusal>();

/** Whether a refusal has been recorded by {@link makeAudited}. */
export function isOnRecord(refusal: Refusal): boolean {
  return onRecord.has(refusal);
}

export type Audited = <T>(
  context: RequestContext,
  action: AuditAction,
  serve: (trail: Trail) => Promise<T>,
) => Promise<T>;

export interface AuditedDeps {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly nonces: PendingNonces;
}

/**
 * Runs a use case so that its record is durable before its answer leaves: as done, together with what
 * it changed, or as refused. A use case that returns without a record is a bug and does not answer.
 *
 * @throws {Refusal} `REQUEST_REPLAYED` in place of any answer, when the request was signed with a
 *   nonce that its caller has used before.
 */
export function makeAudited({ ledger, clock, nonces }: AuditedDeps): Audited {
  const forgetNonces = makeForgetNonces(clock);
  return async (context, action, serve) => {
    let facts: AuditFacts = {};
    let recorded = false;
    const { requestId } = context;
    const commit = withNonce(ledger, nonces.take(requestId), forgetNonces);
    const begin = { atMs: clock.nowMs(), who: context.who, action };
    const unitOf = (end: Pick<AuditRecord, 'outcome' | 'code'>): Unit => {
      return { changes: [], audit: { ...begin, ...end, ...oneName(facts), requestId } };
    };
    const trail: Trail = {
      note(more) {
        facts = { ...facts, ...more };
      },
      async commit(changes) {
        const outcome = await commit({ ...unitOf({ outcome: 'done' }), changes });
        recorded = outcome.committed;
        return outcome;
      },
    };
    try {
      const answer = await serve(trail);
      assert(recorded, `${action} answered without an audit record`);
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal)) {
        await commit(unitOf({ outcome: 'failed' }));
        throw error;
      }
      const { code } = error;
      if (code === 'STORE_UNAVAILABLE') throw error;
      const isReplay =
        code === 'REQUEST_REPLAYED' ||
        isNonceTaken(await commit(unitOf({ outcome: 'refused', code })));
      const refusal = isReplay ? new Refusal('REQUEST_REPLAYED') : error;
      if (isReplay) await ledger.commit(unitOf({ outcome: 'refused', code: refusal.code }));
      onRecord.add(refusal);
      throw refusal;
    }
  };
}

/** A card is named once: by its token, or by its masked number where it has none. */
function oneName(facts: AuditFacts): Partial<AuditRecord> {
  const { organization, token, maskedNumber, status } = facts;
  return {
    ...(organization !== undefined && { organization }),
    ...(token !== undefined && { token }),
    ...(token === undefined && maskedNumber !== undefined && { maskedNumber }),
    ...(status !== undefined && { status }),
  };
}

/**
 * Commits the units of one request, its nonce with the first: if that was taken before, nothing of the
 * unit is kept. Kept here from the beginning to the end, whatever becomes of the connection.
 */
function withNonce(
  ledger: Ledger,
  nonce: SignedNonce | undefined,
  forgetNonces: () => readonly Change[],
): Ledger['commit'] {
  let isWritten = nonce === undefined;
  return async (unit) => {
    if (nonce === undefined || isWritten) return ledger.commit(unit);
    const add = { kind: 'add_nonce', nonce } as const;
    const changes = [add, ...unit.changes, ...forgetNonces()];
    const outcome = await ledger.commit({ ...unit, changes });
    if (isNonceTaken(outcome) && unit.audit.outcome === 'done') {
      throw new Refusal('REQUEST_REPLAYED');
    }
    isWritten = outcome.committed;
    return outcome;
  };
}

function isNonceTaken(outcome: CommitOutcome): boolean {
  return !outcome.committed && outcome.conflict === 'nonce_taken';
}

/** How often, at most, nonces that are out of their window are forgotten, with whatever is written. */
const FORGET_EVERY_MS = 1_000;

function makeForgetNonces(clock: Clock): () => readonly Change[] {
  let forgottenAtMs = 0;
  return () => {
    const nowMs = clock.nowMs();
    if (Math.abs(nowMs - forgottenAtMs) < FORGET_EVERY_MS) return [];
    forgottenAtMs = nowMs;
    return [{ kind: 'forget_nonces', expiredBeforeMs: nowMs }];
  };
}
