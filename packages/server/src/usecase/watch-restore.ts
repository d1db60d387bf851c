import { chainOfOrigin, openNote } from '../audit/checkpoint.ts';
import type { AuditLoss } from '../domain/audit-record.ts';
import { Refusal } from '../domain/error.ts';
import type { Alarm, AuditArchive, CheckpointSigner } from './audit-ports.ts';
import type { Change, Ledger } from './ports.ts';

export interface WatchRestoreDeps {
  readonly archive: AuditArchive;
  readonly signer: CheckpointSigner;
  readonly alarm: Alarm;
  /** Signed notes of the second place. */
  readonly notes: readonly string[];
}

/** Knows what a database that was restored from an older backup lacks. */
export interface RestoreWatch {
  /** What is lost and not accepted; nothing changes meanwhile. */
  losses(): readonly AuditLoss[];
  /** The highest number of a chain the checkpoints know: it is not used again. */
  readonly chainFloor: number;
  /** Looks whether an operator has accepted. */
  refresh(): Promise<void>;
}

/**
 * Compares the newest checkpoint of each chain with the log. A checkpoint that the log has not reached
 * means that the database is older than what was signed: it was restored from a backup, or cut.
 */
export async function watchRestore(deps: WatchRestoreDeps): Promise<RestoreWatch> {
  const { archive, alarm } = deps;
  const newest = newestByChain(deps);
  let losses = await unaccepted(archive, [...newest.values()]);
  for (const { number, chain, keptPosition, lostThrough } of losses) {
    alarm.raise('audit_restored', { number, chain, keptPosition, lostThrough });
  }
  return {
    losses: () => losses,
    chainFloor: Math.max(0, ...[...newest.values()].map(({ number }) => number)),
    async refresh() {
      if (losses.length > 0) losses = await unaccepted(archive, [...newest.values()]);
    },
  };
}

/** Changes that keep a restored database safe and change nothing of its contents. */
const HARMLESS: ReadonlySet<Change['kind']> = new Set([
  'accept_loss',
  'add_nonce',
  'forget_nonces',
  'add_charge',
  'forget_charges',
] as const);

/** A ledger that takes audit records but no changes as long as a loss is not accepted. */
export function guardLedger(ledger: Ledger, watch: Pick<RestoreWatch, 'losses'>): Ledger {
  return {
    commit(unit) {
      const isGuarded = watch.losses().length > 0;
      if (isGuarded && unit.changes.some(({ kind }) => !HARMLESS.has(kind))) {
        return Promise.reject(new Refusal('RESTORE_UNACCEPTED'));
      }
      return ledger.commit(unit);
    },
  };
}

interface Known {
  readonly number: number;
  readonly chain: string;
  readonly size: number;
}

function newestByChain({ notes, signer }: WatchRestoreDeps): ReadonlyMap<string, Known> {
  const newest = new Map<string, Known>();
  const publicKeys = signer.publicKeys();
  // Of one chain the last note is the newest: earlier ones need no look at their signatures.
  for (const note of notes.toReversed()) {
    const place = chainOfOrigin(note.slice(0, note.indexOf('\n')));
    if (place === undefined || newest.has(place.chain)) continue;
    const checkpoint = openNote(note, publicKeys);
    if (checkpoint !== undefined) newest.set(place.chain, { ...place, size: checkpoint.size });
  }
  return newest;
}

async function unaccepted(
  archive: AuditArchive,
  known: readonly Known[],
): Promise<readonly AuditLoss[]> {
  const acceptances = await archive.listAcceptances();
  const losses: AuditLoss[] = [];
  for (const { number, chain, size } of known) {
    if (await archive.hasBlock(chain, size)) continue;
    const keptPosition = await archive.lastPosition(chain);
    const isAccepted = acceptances.some(
      (each) =>
        each.chain === chain && each.keptPosition === keptPosition && each.lostThrough >= size,
    );
    if (!isAccepted) losses.push({ number, chain, keptPosition, lostThrough: size });
  }
  return losses;
}
