import type { Scheme } from '../domain/scheme.ts';
import type { DisableMerchant } from '../usecase/disable-merchant.ts';
import type { MerchantKeys } from '../usecase/merchant-keys.ts';
import type { Directory } from '../usecase/ports.ts';
import type { RecordAccountChanges } from '../usecase/record-account-changes.ts';
import type { Register } from '../usecase/register.ts';
import type { RetryNotification } from '../usecase/retry-notification.ts';
import type { SetMerchantTerms } from '../usecase/set-merchant-terms.ts';
import type { SetNotification } from '../usecase/set-notification.ts';
import type { WatchStore } from '../usecase/watch-ports.ts';
import type { AuditTools } from './audit.ts';
import type { BudgetTools } from './budget.ts';
import type { DatabaseTools } from './database.ts';
import type { KeyToolsSource } from './key-tools.ts';
import type { OperatorProgram } from './operator.ts';
import type { SandboxService } from './sandbox.ts';
import type { Terminal } from './terminal.ts';

/** A service that can be started and stopped. */
export interface RunningService {
  listen(port: number): Promise<void>;
  readonly recordAccountChanges: RecordAccountChanges;
  readonly register: Register;
  readonly disableMerchant: DisableMerchant;
  readonly directory: Pick<Directory, 'listMerchants'>;
  readonly updater: {
    readonly merchantKeys: MerchantKeys;
    readonly setNotification: SetNotification;
    readonly setMerchantTerms: SetMerchantTerms;
    readonly listNotifications: WatchStore['listNotifications'];
    readonly retryNotification: RetryNotification;
    readonly listFailing: WatchStore['listFailing'];
  };
  close(): Promise<void>;
}

/** A scheme that is simulated, and what connects a service to it. */
export interface SimulatedScheme {
  readonly url: string;
  readonly section: Readonly<Record<string, unknown>>;
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
  readonly terminal: Terminal;
  /** Starts a simulated scheme whose keys are in a folder, and are made there when they are not. */
  simulate(scheme: Scheme, folder: string, port: number): Promise<SimulatedScheme>;
  readonly keys: KeyToolsSource;
  readonly audit: AuditTools;
  /** Runs `serve` in so many processes; undefined where this process is one of them. */
  readonly runWorkers: ((count: number) => Promise<void>) | undefined;
  readonly budgets: BudgetTools;
  /** Resolves when a person or the system wants the program to end. */
  untilStopped(): Promise<void>;
}
