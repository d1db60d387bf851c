import type { Committer } from './ledger.ts';
import type { Reader } from './statements.ts';

/** An open database, whichever engine it is. */
export interface Store {
  readonly reader: Reader;
  readonly committer: Committer;
  /** Resolves when the last batch is written and everything is let go of. */
  close(): Promise<void>;
}
