import { Refusal } from '../domain/error.ts';
import type { Clock, CommitOutcome, Ledger } from './ports.ts';

export interface ObservedLedger {
  readonly ledger: Ledger;
  /** Whether the last unit could be written. */
  isWritable(): boolean;
  /**
   * The same, after trying where it could not: a node nobody sends anything to, because it is not
   * ready, would never find out that it is again.
   */
  tryWriting(): Promise<boolean>;
}

/** A ledger, and whether the last unit it was given could be written. */
export function observeLedger(inner: Ledger, { nowMs }: Clock): ObservedLedger {
  let isWritable = true;
  const written = (outcome: CommitOutcome) => {
    isWritable = true;
    return outcome;
  };
  const notWritten = (error: unknown) => {
    if (error instanceof Refusal && error.code === 'STORE_UNAVAILABLE') isWritable = false;
    throw error;
  };
  const observed: ObservedLedger = {
    isWritable: () => isWritable,
    async tryWriting() {
      if (isWritable) return true;
      const audit = { atMs: nowMs(), who: 'service', requestId: 'check' } as const;
      const record = { ...audit, action: 'check_log', outcome: 'done' } as const;
      await observed.ledger.commit({ changes: [], audit: record }).catch(() => undefined);
      return isWritable;
    },
    ledger: {
      commit: (unit) => inner.commit(unit).then(written, notWritten),
    },
  };
  return observed;
}
