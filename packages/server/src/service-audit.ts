/**
 * Puts the audit log together: its archive, the watch over restored backups, and checkpoints.
 *
 * @module
 */

import { makeAuditArchive } from './store/audit-archive.ts';
import { makeCheckpointFile, readCheckpointNotes } from './store/checkpoint-file.ts';
import type { Committer } from './store/ledger.ts';
import type { Reader } from './store/statements.ts';
import { type CheckpointLimits, makeCheckpointer } from './usecase/checkpoint-audit.ts';
import type { Alarm, CheckpointSigner, CheckpointSink, Clock } from './usecase/ports.ts';
import { watchRestore } from './usecase/watch-restore.ts';
import type { Webhook } from './watch/webhook.ts';

export interface AuditSettings {
  /** Where signed checkpoints are appended. */
  readonly checkpointFile: string;
  readonly checkpointWebhook: Webhook | undefined;
  readonly checkpointLimits: CheckpointLimits;
}

export interface AuditDeps extends AuditSettings {
  readonly reader: Reader;
  readonly committer: Committer;
  readonly signer: CheckpointSigner;
  readonly alarm: Alarm;
  readonly clock: Clock;
}

/** How often it is looked whether a checkpoint is due, or a restored backup was accepted. */
const EVERY_MS = 1_000;

export type Audit = Awaited<ReturnType<typeof openAudit>>;

export async function openAudit(deps: AuditDeps) {
  const { reader, committer, signer, alarm, clock, checkpointFile, checkpointWebhook } = deps;
  const archive = makeAuditArchive(reader);
  const notes = readCheckpointNotes(checkpointFile);
  const restoreWatch = await watchRestore({ archive, signer, alarm, notes });
  committer.reserveChains(restoreWatch.chainFloor);
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
    limits: deps.checkpointLimits,
  });
  const timer = setInterval(() => {
    void checkpointer.run();
    // A database that does not answer is noticed elsewhere; the loss stays as it was.
    void restoreWatch.refresh().catch(() => undefined);
  }, EVERY_MS).unref();
  return {
    archive,
    restoreWatch,
    checkpointer,
    publicKey: signer.publicKey,
    readNotes: () => readCheckpointNotes(checkpointFile, Number.POSITIVE_INFINITY),
    /** Signs what is left, so that a clean end leaves nothing without a checkpoint. */
    async close(): Promise<void> {
      clearInterval(timer);
      await checkpointer.flush();
    },
  };
}
