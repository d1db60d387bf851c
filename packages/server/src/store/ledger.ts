import type { ChainTip } from '../audit/block.ts';
import { canonicalJson } from '../audit/canonical.ts';
import { Refusal } from '../domain/error.ts';
import type { CommitOutcome, Ledger, Unit } from '../usecase/ports.ts';
import { writeOf } from './changes.ts';
import type { Write } from './statements.ts';

/** A unit as the engine takes it: its writes, and its audit record as one line of canonical JSON. */
export interface EncodedUnit {
  readonly writes: readonly Write[];
  readonly auditLine: string;
}

/** Makes a batch of units durable in one transaction. Each engine has one. */
export interface Committer {
  /**
   * Each unit is kept whole or not at all; one that conflicts does not spoil the others. Their audit
   * records become one block.
   *
   * @returns the outcomes, in order; all of it is durable then.
   * @throws when the engine failed: whether the batch was kept is not known.
   */
  commitBatch(units: readonly EncodedUnit[]): Promise<readonly CommitOutcome[]>;
  /** Where the audit chains that this run has begun stand; all of it is durable. */
  tips(): readonly ChainTip[];
  /** Numbers of chains up to this one are not used again, although the database may not know them. */
  reserveChains(through: number): void;
}

/** One transaction takes at most so many units; the rest goes with the next. */
const BATCH_MAX = 512;

/** So many units may wait; more are refused at once, or memory would grow with a slow disk. */
const WAITING_MAX = 10_000;

interface WaitingUnit {
  readonly unit: EncodedUnit;
  resolve(outcome: CommitOutcome): void;
  reject(error: Error): void;
}

/**
 * Group commit: one batch is under way, and the next is whatever has arrived meanwhile. A lone unit
 * waits for nobody, and under load one fsync serves many.
 */
export function makeLedger(committer: Committer): Ledger {
  let waiting: WaitingUnit[] = [];
  let isUnderWay = false;

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH_MAX);
      waiting = waiting.slice(BATCH_MAX);
      await settle(committer, batch);
    }
    isUnderWay = false;
  }

  return {
    commit({ changes, audit }: Unit) {
      if (waiting.length >= WAITING_MAX) return Promise.reject(new Refusal('TOO_BUSY'));
      const unit = { writes: changes.map(writeOf), auditLine: canonicalJson(audit) };
      return new Promise((resolve, reject) => {
        waiting.push({ unit, resolve, reject });
        if (isUnderWay) return;
        isUnderWay = true;
        setImmediate(() => void work()); // Requests of this turn of the event loop go together.
      });
    },
  };
}

async function settle(committer: Committer, batch: readonly WaitingUnit[]): Promise<void> {
  try {
    const outcomes = await committer.commitBatch(batch.map(({ unit }) => unit));
    for (const [index, { resolve, reject }] of batch.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) reject(new Error('the engine left out a unit'));
      else resolve(outcome);
    }
  } catch (cause) {
    for (const { reject } of batch) reject(new Refusal('STORE_UNAVAILABLE', {}, { cause }));
  }
}
