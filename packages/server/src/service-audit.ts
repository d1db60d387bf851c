/**
 * Puts the audit log together: its archive, the watch over restored backups, and checkpoints.
 *
 * @module
 */

import { join } from 'node:path';
import type { Logger } from 'pino';
import { makeCheckpointSigner } from './keys/checkpoint-signer.ts';
import { random } from './keys/random.ts';
import type { ServiceKeys } from './keys/service-keys.ts';
import { type BudgetSettings, openBudgets } from './service-budgets.ts';
import { makeAuditArchive } from './store/audit-archive.ts';
import { makeCheckpointFile, readCheckpointNotes } from './store/checkpoint-file.ts';
import type { Store } from './store/engine.ts';
import { makeLedger } from './store/ledger.ts';
import { makeAcceptRestore } from './usecase/accept-restore.ts';
import type { CheckpointSink } from './usecase/audit-ports.ts';
import { makeAudited } from './usecase/audit-trail.ts';
import { type CheckpointLimits, makeCheckpointer } from './usecase/checkpoint-audit.ts';
import { makeLiftBudget } from './usecase/lift-budget.ts';
import { observeLedger } from './usecase/observe-ledger.ts';
import type { PendingNonces } from './usecase/pending-nonces.ts';
import type { Clock } from './usecase/ports.ts';
import { traceLedger } from './usecase/trace-ledger.ts';
import type { Tracer } from './usecase/trace-ports.ts';
import { guardLedger, watchRestore } from './usecase/watch-restore.ts';
import { makeAlarm } from './watch/alarm.ts';
import type { Metrics } from './watch/metrics.ts';
import type { Webhook } from './watch/webhook.ts';

/** How the audit log and alarms leave this machine; the defaults are good for one machine. */
export interface AuditSettings extends BudgetSettings {
  /** What this node is called in its audit chains and alarms. */
  readonly node?: string;
  /** Where signed checkpoints are appended; left out: `audit-checkpoints` in the folder. */
  readonly checkpointFile?: string | undefined;
  readonly checkpointWebhook?: Webhook | undefined;
  readonly checkpointLimits?: CheckpointLimits;
  readonly alarmWebhook?: Webhook | undefined;
  /** An OpenTelemetry collector, OTLP/HTTP; undefined: nothing is traced. */
  readonly traceCollector?: Webhook | undefined;
  /** Of a hundred requests so many are traced; all where it is left out. */
  readonly tracePercent?: number;
}

export interface AuditDeps {
  readonly settings: AuditSettings;
  readonly home: string;
  readonly store: Store;
  readonly keys: ServiceKeys;
  readonly nonces: PendingNonces;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracer: Tracer | undefined;
}

/**
 * A checkpoint every minute of traffic, or every 1,000 blocks: what is cut off behind the last one is
 * not noticed, so this bounds it; each is some 250 bytes.
 */
const CHECKPOINT_LIMITS = { blocks: 1_000, seconds: 60 } as const;

/** How often it is looked whether a checkpoint is due, or a restored backup was accepted. */
const EVERY_MS = 1_000;

export type Audit = Awaited<ReturnType<typeof openAudit>>;

export async function openAudit({
  settings,
  home,
  store,
  keys,
  nonces,
  clock,
  log,
  metrics,
  tracer,
}: AuditDeps) {
  const { node = 'node', alarmWebhook: webhook, checkpointWebhook } = settings;
  const checkpointFile = settings.checkpointFile ?? join(home, 'audit-checkpoints');
  const { reader, committer } = store;
  const alarm = makeAlarm({ log, webhook, node, count: metrics.alarm, nowMs: clock.nowMs });
  const signer = makeCheckpointSigner(keys.audit);
  const archive = makeAuditArchive(reader);
  const notes = readCheckpointNotes(checkpointFile);
  const watch = await watchRestore({ archive, signer, alarm, notes });
  committer.nameChains({ node, floor: watch.chainFloor });
  const observed = observeLedger(makeLedger(committer), clock);
  const ledger = guardLedger(traceLedger(observed.ledger, tracer), watch);
  const key = keys.credentialIndex;
  const counting = await openBudgets({ settings, reader, key, alarm, clock });
  const { budgets, rate, budgetStore } = counting;
  const audited = makeAudited({ ledger, clock, nonces, alarm, budgets, rate });
  const sinks: CheckpointSink[] = [makeCheckpointFile(checkpointFile)];
  if (checkpointWebhook !== undefined) {
    sinks.push({ put: (note) => checkpointWebhook.post('text/plain; charset=utf-8', note) });
  }
  const checkpointer = makeCheckpointer({
    tips: () => committer.tips(),
    signer,
    sinks,
    alarm,
    clock,
    limits: settings.checkpointLimits ?? CHECKPOINT_LIMITS,
  });
  const timer = setInterval(() => {
    void checkpointer.run();
    // A database that does not answer is noticed elsewhere; the loss stays as it was.
    void watch.refresh().catch(() => undefined);
  }, EVERY_MS).unref();
  return {
    alarm,
    audited,
    ledger,
    archive,
    checkpointer,
    /** Of the key that signs checkpoints, then of those that did before it. */
    publicKeys: signer.publicKeys,
    budgets,
    isWritable: observed.isWritable,
    tryWriting: observed.tryWriting,
    losses: watch.losses,
    liftBudget: makeLiftBudget({ audited, budgetStore, clock, random }),
    acceptRestore: makeAcceptRestore({ audited, watch, clock }),
    readNotes: () => readCheckpointNotes(checkpointFile, Number.POSITIVE_INFINITY),
    /** Signs what is left, so that a clean end leaves nothing without a checkpoint. */
    async close(): Promise<void> {
      clearInterval(timer);
      await counting.close();
      await checkpointer.flush();
    },
  };
}
