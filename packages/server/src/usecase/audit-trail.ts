import assert from 'node:assert/strict';
import type { AuditAction, AuditRecord } from '../domain/audit-record.ts';
import { Refusal, type RefusalCode } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { CardNumber } from '../domain/pan.ts';
import type { SignedNonce } from '../domain/signed-nonce.ts';
import type { Alarm } from './audit-ports.ts';
import type { Budgets } from './budgets.ts';
import type { PendingNonces } from './pending-nonces.ts';
import type { Change, Clock, CommitOutcome, Ledger } from './ports.ts';
import type { RequestRate } from './request-rate.ts';

/** Who asks, and which request it is. */
export interface RequestContext {
  /** `caller:<id>`, `merchant:<id>` or `operator`. */
  readonly who: string;
  readonly requestId: string;
}

/** What the record of a request says of its card, as far as it is known when the record is written. */
export type AuditFacts = {
  readonly [Name in
    | 'organization'
    | 'token'
    | 'status'
    | 'change'
    | 'source'
    | 'upstreamCode'
    | 'losses'
    | 'lift'
    | 'bait'
    | 'merchantId'
    | 'callerId'
    | 'panid'
    | 'key']?: AuditRecord[Name] | undefined;
} & {
  /** The record has it masked, and only where it knows no token. */
  readonly number?: CardNumber | undefined;
};

/** The record of one request while it is being served. */
export interface Trail {
  note(facts: AuditFacts): void;
  /** A token of a closed epoch was seen: counted with the record of the refusal. */
  countSeen(organization: OrganizationNumber, epoch: number): void;
  /**
   * Somebody asks about a card that is bait: the record says so, and the alarm is raised. It changes
   * nothing of the answer, nor when it leaves.
   */
  tripBait(): void;
  /**
   * Counts a card that is asked about, in whatever way, before it is looked up.
   *
   * @param text the digits of its number, or its token.
   * @throws {Refusal} `BUDGET_EXHAUSTED`
   */
  spend(text: string, keep: Parameters<Budgets['spend']>[2]): void;
  /** Makes the changes and the record of the request durable together. Called last. */
  commit(changes: readonly Change[]): Promise<CommitOutcome>;
  /** The same, where a conflict is a refusal. @throws {Refusal} `code` */
  demandCommit(changes: readonly Change[], code: RefusalCode): Promise<void>;
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
  readonly alarm: Alarm;
  readonly nonces: PendingNonces;
  readonly budgets: Pick<Budgets, 'spend' | 'isFirst' | 'unrecorded'>;
  readonly rate: RequestRate;
}

/**
 * Runs a use case so that its record is durable before its answer leaves: as done, together with what
 * it changed, or as refused. A use case that returns without a record is a bug and does not answer.
 *
 * @throws {Refusal} `REQUEST_REPLAYED` in place of any answer, when the request was signed with a
 *   nonce that its caller has used before.
 */
export function makeAudited(deps: AuditedDeps): Audited {
  const { ledger, clock, nonces, alarm, budgets, rate } = deps;
  const forgetNonces = makeForgetNonces(clock);
  return async (context, action, serve) => {
    const facts: { -readonly [Name in keyof AuditFacts]: AuditFacts[Name] } = {};
    let recorded = false;
    const charges: Change[] = [];
    const { who, requestId } = context;
    const commit = withNonce(ledger, nonces.take(requestId), forgetNonces);
    const atMs = clock.nowMs();
    const recordOf = (outcome: AuditRecord['outcome'], code?: RefusalCode): AuditRecord =>
      recordInOrder(facts, { atMs, who, action, outcome, code, requestId });
    const refused = (code: RefusalCode) => recordOf('refused', code);
    const trail: Trail = {
      note(more) {
        Object.assign(facts, more);
      },
      countSeen(organization, epoch) {
        charges.push({ kind: 'count_seen_token', organization, epoch, atMs });
      },
      tripBait() {
        facts.bait = true;
        // Behind this turn of the event loop: who asks must not be able to measure it.
        setImmediate(() => alarm.raise('bait_asked', { who, action }));
      },
      spend(text, keep) {
        charges.push(...budgets.spend(who, text, keep));
      },
      async commit(changes) {
        const all = charges.length === 0 ? changes : [...charges, ...changes];
        const outcome = await commit({ changes: all, audit: recordOf('done') });
        recorded = outcome.committed;
        return outcome;
      },
      async demandCommit(changes, code) {
        const outcome = await trail.commit(changes);
        if (!outcome.committed) throw new Refusal(code);
      },
    };
    try {
      rate.demand(who);
      const answer = await serve(trail);
      assert(recorded, `${action} answered without an audit record`);
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal)) {
        await commit({ changes: charges, audit: recordOf('failed') });
        throw error;
      }
      if (isUnavailable(error)) {
        alarm.raise('audit_unavailable', { action });
        throw error;
      }
      if (isRepeated(error, deps)) {
        // One record tells of the whole time; a nonce of what was not done need not be remembered.
        onRecord.add(error);
        throw error;
      }
      if (error.code === 'RECORD_DAMAGED') alarm.raise('record_damaged', { action });
      if (error.code !== 'REQUEST_REPLAYED') {
        try {
          await commit({ changes: charges, audit: refused(error.code) });
          onRecord.add(error);
          throw error;
        } catch (second) {
          if (error.code === 'BUDGET_EXHAUSTED' && second !== error) budgets.unrecorded(who);
          if (isUnavailable(second)) alarm.raise('audit_unavailable', { action });
          if (!(second instanceof Refusal) || second.code !== 'REQUEST_REPLAYED') throw second;
        }
      }
      await ledger.commit({ changes: [], audit: refused('REQUEST_REPLAYED') });
      const replayed = new Refusal('REQUEST_REPLAYED');
      onRecord.add(replayed);
      throw replayed;
    }
  };
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'STORE_UNAVAILABLE';
}

/** Whether a refusal is one of many for the same reason, of which the first is on record. */
function isRepeated(refusal: Refusal, { budgets, rate }: AuditedDeps): boolean {
  if (refusal.code === 'BUDGET_EXHAUSTED') return !budgets.isFirst(refusal);
  const isLimit = refusal.code === 'RATE_EXCEEDED' || refusal.code === 'QUOTA_EXCEEDED';
  return isLimit && !rate.isFirst(refusal);
}

type RecordParts = Pick<AuditRecord, 'atMs' | 'who' | 'action' | 'outcome' | 'requestId'> & {
  readonly code: RefusalCode | undefined;
};

/**
 * The parts of a record by name, which is the order its text has (RFC 8785), so that it need not be
 * sorted each time; what is undefined is left out of the text. A card is named once: by its token, or
 * by its masked number where it has none.
 */
function recordInOrder(facts: AuditFacts, parts: RecordParts): AuditRecord {
  const { token } = facts;
  const record = {
    action: parts.action,
    atMs: parts.atMs,
    bait: facts.bait,
    callerId: facts.callerId,
    change: facts.change,
    code: parts.code,
    key: facts.key,
    lift: facts.lift,
    losses: facts.losses,
    maskedNumber: token === undefined ? facts.number?.toString() : undefined,
    merchantId: facts.merchantId,
    organization: facts.organization,
    outcome: parts.outcome,
    panid: facts.panid,
    requestId: parts.requestId,
    source: facts.source,
    status: facts.status,
    token,
    upstreamCode: facts.upstreamCode,
    who: parts.who,
  };
  return record as AuditRecord;
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
  if (nonce === undefined) return ledger.commit;
  let isWritten = false;
  return async (unit) => {
    if (isWritten) return ledger.commit(unit);
    const add = { kind: 'add_nonce', nonce } as const;
    const changes = [add, ...unit.changes, ...forgetNonces()];
    const outcome = await ledger.commit({ ...unit, changes });
    if (!outcome.committed && outcome.conflict === 'nonce_taken') {
      throw new Refusal('REQUEST_REPLAYED');
    }
    isWritten = outcome.committed;
    return outcome;
  };
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
