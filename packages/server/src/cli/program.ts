import type { RecordAccountChanges } from '../usecase/record-account-changes.ts';
import type { SandboxService } from './sandbox.ts';

/** A service that can be started and stopped. */
export interface RunningService {
  listen(port: number): Promise<void>;
  readonly recordAccountChanges: RecordAccountChanges;
  close(): Promise<void>;
}

/** What the commands need of the rest of the program. */
export interface Program {
  readonly version: string;
  readonly defaults: { readonly home: string | undefined; readonly port: number };
  parsePort(text: string): number | undefined;
  /** @param logFile undefined: the log goes to standard output. */
  openService(home: string, logFile: string | undefined): Promise<RunningService>;
  createService(home: string): Promise<SandboxService>;
  print(text: string): void;
  /** Resolves when a person or the system wants the program to end. */
  untilStopped(): Promise<void>;
}
