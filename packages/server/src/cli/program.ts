import type { RecordAccountChanges } from '../usecase/record-account-changes.ts';
import type { AuditTools } from './audit.ts';
import type { BudgetTools } from './budget.ts';
import type { DatabaseTools } from './database.ts';
import type { KeyToolsSource } from './key-tools.ts';
import type { OperatorProgram } from './operator.ts';
import type { SandboxService } from './sandbox.ts';

/** A service that can be started and stopped. */
export interface RunningService {
  listen(port: number): Promise<void>;
  readonly recordAccountChanges: RecordAccountChanges;
  close(): Promise<void>;
}

/** What the commands need of the rest of the program. */
export interface Program extends OperatorProgram {
  readonly version: string;
  readonly defaults: { readonly home: string | undefined; readonly port: number };
  parsePort(text: string): number | undefined;
  /**
   * Makes the folder, keys and database of a new service, and leaves it closed.
   *
   * @param environment where its keys may be used.
   */
  initService(home: string, environment: string): Promise<void>;
  /** @param logFile left out: the log goes to standard output. */
  openService(home: string, logFile?: string): Promise<RunningService>;
  /** The sandbox keeps all it has in its folder, and listens on loopback, whatever is configured. */
  readonly sandbox: {
    createService(home: string): Promise<SandboxService>;
    openService(home: string, logFile: string): Promise<RunningService>;
  };
  readonly database: DatabaseTools;
  readonly keys: KeyToolsSource;
  readonly audit: AuditTools;
  /** Runs `serve` in so many processes; undefined where this process is one of them. */
  readonly runWorkers: ((count: number) => Promise<void>) | undefined;
  readonly budgets: BudgetTools;
  /** Resolves when a person or the system wants the program to end. */
  untilStopped(): Promise<void>;
}
