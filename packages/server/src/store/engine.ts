import type { Committer } from './ledger.ts';
import type { Hints } from './postgres-hints.ts';
import type { Reader, Row, SqlValue } from './statements.ts';
import type { ClaimName } from './watch-statements.ts';

/** What the databases are that a service runs on. */
export type Engine = 'sqlite' | 'postgres';

/** Takes rows for this node, so that no other node is given them. Each engine has one. */
export interface Claimer {
  /** @returns the rows that were taken. */
  claim(name: ClaimName, values: readonly SqlValue[]): Promise<readonly Row[]>;
}

/** An open database, whichever engine it is. */
export interface Store {
  readonly reader: Reader;
  readonly committer: Committer;
  readonly claimer: Claimer;
  /** Where the engine can tell other nodes of a change, sooner than they would ask. */
  readonly hints?: Hints | undefined;
  /** Resolves when the last batch is written and everything is let go of. */
  close(): Promise<void>;
}
