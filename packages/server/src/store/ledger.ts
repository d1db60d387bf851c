import type { ChainTip } from '../audit/block.ts';
import { canonicalJson } from '../audit/canonical.ts';
import { Refusal } from '../domain/error.ts';
import type { CommitOutcome, Ledger, Unit } from '../usecase/ports.ts';
import type { ChainNaming } from './audit-chain.ts';
import { writesOf } from './changes.ts';
import type { Write } from './statements.ts';

/** A unit as the engine takes it: its writes, and its audit record as one line of canonical JSON. */
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
  /** Where the audit chains that this run has begun stand; all of it is durable. */
  tips(): readonly ChainTip[];
  /** How the audit chains that are still to be begun are named. */
  nameChains(naming: ChainNaming): void;
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

/** What waits in one lane. It is there while batches of it are under way. */
interface Lane {
  readonly waiting: WaitingUnit[];
  /** Set while a batch gathers: called when it need not wait any longer. */
  wake: (() => void) | undefined;
  /** How many units wake it. */
  wanted: number;
}

/**
 * How long a batch may wait for others to join, once there is load. Requests that were answered
 * together come back together: without a wait, the first of them would go alone and the others would
 * wait for a whole commit more. The default of 2 ms is no part of any promise.
 */
const GATHER_MAX_MS = 2;

/** A batch waits for so much of the size of the last one; who left does not come back. */
const GATHER_SHARE = 0.75;

/**
 * Under load it waits for more than the last one had, as long as time allows: half of the clients wait
 * for a batch while the other half is being served, and would make two commits where one is enough.
 */
const GROWING_FROM = 16;
const GROWING_SHARE = 1.5;

/**
 * Group commit: of each lane one batch is under way, and the next is whatever has arrived meanwhile,
 * and what arrives in a bounded wait. A lone unit waits for nobody, and under load one fsync serves
 * many.
 */
export function makeLedger(committer: Committer, gatherMs = GATHER_MAX_MS): Ledger {
  const lanes = new Map<string, Lane>();
  let waitingCount = 0;

  async function work(name: string, lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      const batch = lane.waiting.splice(0, BATCH_MAX);
      await settle(committer, batch);
      waitingCount -= batch.length;
      const share = batch.length < GROWING_FROM ? GATHER_SHARE : GROWING_SHARE;
      await gather(lane, Math.floor(batch.length * share), gatherMs);
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
          lane.waiting.push(waiting);
          if (lane.waiting.length >= lane.wanted) lane.wake?.();
          return;
        }
        const opened: Lane = { waiting: [waiting], wake: undefined, wanted: 0 };
        lanes.set(name, opened);
        // Requests of this turn of the event loop go together.
        setImmediate(() => void work(name, opened));
      });
    },
  };
}

/** Resolves when as many units wait as are wanted, or when time is up. */
function gather(lane: Lane, wanted: number, maxMs: number): Promise<void> | undefined {
  if (lane.waiting.length >= wanted || maxMs === 0) return undefined;
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      lane.wake = undefined;
      resolve();
    };
    const timer = setTimeout(wake, maxMs);
    lane.wanted = wanted;
    lane.wake = wake;
  });
}

function encode({ changes, audit }: Unit): EncodedUnit {
  return {
    organization: audit.organization,
    writes: changes.flatMap(writesOf),
    auditLine: canonicalJson(audit),
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
