import { Refusal } from '../domain/error.ts';
import type { CommitOutcome, Ledger, Unit } from '../usecase/ports.ts';
import { writeOf } from './changes.ts';
import type { Write } from './statements.ts';

/** A unit as the engine takes it: its writes, and its audit record as one line of JSON. */
export interface EncodedUnit {
  /** Undefined: it concerns the service itself. */
  readonly organization: number | undefined;
  readonly writes: readonly Write[];
  readonly auditLine: string;
}

/** Makes a batch of units durable in one transaction. Each engine has one. */
export interface Committer {
  /** Units of one lane share a transaction; those of different lanes do not wait for one another. */
  laneOf(unit: EncodedUnit): string;
  /**
   * Each unit is kept whole or not at all; one that conflicts does not spoil the others. Their audit
   * records become one block.
   *
   * @param units of one lane, of which no other batch is under way.
   * @returns the outcomes, in order; all of it is durable then.
   * @throws when the engine failed: whether the batch was kept is not known.
   */
  commitBatch(units: readonly EncodedUnit[]): Promise<readonly CommitOutcome[]>;
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

/** What waits in one lane. It is there while a batch of it is under way. */
type Lane = WaitingUnit[];

/**
 * Group commit: of each lane one batch is under way, and the next is whatever has arrived meanwhile.
 * A lone unit waits for nobody, and under load one fsync serves many.
 */
export function makeLedger(committer: Committer): Ledger {
  const lanes = new Map<string, Lane>();
  let waitingCount = 0;

  async function work(name: string, lane: Lane): Promise<void> {
    while (lane.length > 0) {
      const batch = lane.splice(0, BATCH_MAX);
      await settle(committer, batch);
      waitingCount -= batch.length;
    }
    lanes.delete(name);
  }

  return {
    commit(given: Unit) {
      if (waitingCount >= WAITING_MAX) return Promise.reject(new Refusal('TOO_BUSY'));
      waitingCount++;
      const unit = encode(given);
      const name = committer.laneOf(unit);
      return new Promise((resolve, reject) => {
        const waiting = { unit, resolve, reject };
        const lane = lanes.get(name);
        if (lane !== undefined) {
          lane.push(waiting);
          return;
        }
        const opened = [waiting];
        lanes.set(name, opened);
        setImmediate(() => void work(name, opened)); // Requests of this turn of the event loop go together.
      });
    },
  };
}

function encode({ changes, audit }: Unit): EncodedUnit {
  return {
    organization: audit.organization,
    writes: changes.map(writeOf),
    auditLine: JSON.stringify(audit),
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
