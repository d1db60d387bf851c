/**
 * What the use cases around the audit log need of the world, named by role.
 *
 * @module
 */
import type { Block, ChainOpening, ChainTip } from '../audit/block.ts';
import type { PublicKey } from '../audit/checkpoint.ts';
import type { AuditLoss } from '../domain/audit-record.ts';

/** A block as it is stored, and its records, one canonical line each. */
export interface StoredBlock {
  readonly block: Block;
  readonly hash: string;
  readonly lines: readonly string[];
}

/** The audit log as it is stored. */
export interface AuditArchive {
  /** All openings by number, with their hashes. */
  listOpenings(): Promise<readonly { readonly opening: ChainOpening; readonly hash: string }[]>;
  /** The blocks of a chain behind a position, a page at a time. */
  blocksOf(opening: ChainOpening, openingHash: string, after: number): AsyncGenerator<StoredBlock>;
  hasBlock(chain: string, position: number): Promise<boolean>;
  /** The last position of a chain; 0 when there is none. */
  lastPosition(chain: string): Promise<number>;
  listAcceptances(): Promise<readonly Omit<AuditLoss, 'number'>[]>;
}

/** Signs what a chain was at one moment. */
export interface CheckpointSigner {
  /** Of the key that signs, then of those that signed before it. */
  publicKeys(): readonly PublicKey[];
  /** A C2SP signed note. */
  sign(tip: ChainTip): string;
}

/** The second place: where who can write the database cannot. */
export interface CheckpointSink {
  /** Resolves when it is durable there. */
  put(note: string): Promise<void>;
}

/** What somebody has to be woken for. */
export type AlarmKind =
  | 'audit_unavailable' // a record could not be written, and an answer was withheld
  | 'audit_restored' // the database is older than its checkpoints
  | 'checkpoint_failed' // the second place did not take a checkpoint
  | 'budget_exhausted' // somebody asks about more different cards than they may
  | 'bait_asked' // somebody asked about a card that nobody honest asks about
  | 'record_damaged'; // a row does not agree with its seal

/** Facts of an alarm: ids and counts, never a number or a secret. */
export type AlarmFacts = Readonly<Record<string, string | number | boolean>>;

/** Tells the operators. It never waits and never throws. */
export interface Alarm {
  raise(kind: AlarmKind, facts: AlarmFacts): void;
}
