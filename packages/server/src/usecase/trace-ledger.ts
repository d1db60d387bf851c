import type { Ledger } from './ports.ts';
import type { Tracer } from './trace-ports.ts';

/** A ledger whose commits are parts of the trace of their request. */
export function traceLedger(ledger: Ledger, tracer: Tracer | undefined): Ledger {
  if (tracer === undefined) return ledger;
  return {
    async commit(unit) {
      const { requestId, action, outcome } = unit.audit;
      if (!tracer.isTraced(requestId)) return ledger.commit(unit);
      const startMs = tracer.nowMs();
      try {
        const committed = await ledger.commit(unit);
        tracer.inner(requestId, startMs, { action, outcome });
        return committed;
      } catch (error) {
        tracer.inner(requestId, startMs, { action, outcome: 'not_written' });
        throw error;
      }
    },
  };
}
