import { Refusal } from '../domain/error.ts';
import type { Ledger } from './ports.ts';

/** A ledger, and whether the last unit it was given could be written. */
export function observeLedger(ledger: Ledger): { ledger: Ledger; isWritable(): boolean } {
  let isWritable = true;
  return {
    isWritable: () => isWritable,
    ledger: {
      async commit(unit) {
        try {
          const outcome = await ledger.commit(unit);
          isWritable = true;
          return outcome;
        } catch (error) {
          if (error instanceof Refusal && error.code === 'STORE_UNAVAILABLE') isWritable = false;
          throw error;
        }
      },
    },
  };
}
