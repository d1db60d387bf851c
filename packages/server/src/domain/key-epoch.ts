import { type Alphabet, epochsInTheWay, markOf } from '@pantoken/pan-token';
import { Refusal } from './error.ts';
import type { TokenFormat } from './token-format.ts';

/** The life of a key, in order. A state is never gone back to. */
export type KeyState =
  | 'pre-active' // known to every node, makes nothing yet
  | 'active' // the one that makes
  | 'open-only' // makes nothing, opens
  | 'closed' // token keys: what it made is refused, and counted
  | 'destroyed'; // the key is gone

/** One key of a series of keys for the same purpose. */
export interface KeyEpoch {
  /** Counts the keys of one organization and purpose, from 1. */
  readonly epoch: number;
  readonly state: KeyState;
  readonly createdAtMs: number;
  /** When it came into its state. */
  readonly stateSinceMs: number;
  /** How many of its tokens were seen since it was closed. */
  readonly seenCount: number;
  readonly lastSeenAtMs: number | undefined;
}

/**
 * How long an epoch is closed, and none of its tokens seen, before its key may be destroyed: as long
 * as a chargeback, an instalment plan or a yearly file may take to bring an old token back.
 */
export const QUIET_DAYS_DEFAULT = 540;

/** Even at once is not before every node has noticed that the epoch is closed. */
export const CLOSED_MS_MIN = 10_000;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Created and not destroyed: its mark is taken. */
export function livingEpochs(epochs: readonly KeyEpoch[]): readonly KeyEpoch[] {
  return epochs.filter(({ state }) => state !== 'destroyed');
}

/** @throws {Error} when there is not exactly one: the table is damaged. */
export function activeEpoch(epochs: readonly KeyEpoch[]): KeyEpoch {
  const [active, ...more] = epochs.filter(({ state }) => state === 'active');
  if (active === undefined || more.length > 0) throw new Error('not exactly one key is active');
  return active;
}

/** The alphabets in which an organization's tokens are calculated with a key. */
export function keyedAlphabets(formats: readonly TokenFormat[]): readonly Alphabet[] {
  const keyed = formats.filter(({ engine }) => engine === 'keyed');
  return [...new Set(keyed.map(({ alphabet }) => alphabet))];
}

/**
 * The epoch a rotation makes active: the one that waits as pre-active, or the next one that must be
 * created first.
 *
 * @throws {Refusal} `EPOCH_MARK_TAKEN` naming the epochs in the way.
 */
export function planRotation(
  epochs: readonly KeyEpoch[],
  formats: readonly TokenFormat[],
): { readonly epoch: number; readonly isNew: boolean } {
  const waiting = epochs.find(({ state }) => state === 'pre-active');
  if (waiting !== undefined) return { epoch: waiting.epoch, isNew: false };
  const epoch = nextEpoch(epochs);
  const living = livingEpochs(epochs).map((each) => each.epoch);
  const inTheWay = epochsInTheWay(epoch, living, keyedAlphabets(formats));
  if (inTheWay.length > 0) {
    throw new Refusal('EPOCH_MARK_TAKEN', { epoch, inTheWay: inTheWay.join(', ') });
  }
  return { epoch, isNew: true };
}

/** Epochs are counted without gaps, destroyed ones included. */
export function nextEpoch(epochs: readonly KeyEpoch[]): number {
  return Math.max(0, ...epochs.map((each) => each.epoch)) + 1;
}

/** @throws {Refusal} `EPOCH_UNKNOWN` */
export function demandEpoch(epochs: readonly KeyEpoch[], epoch: number): KeyEpoch {
  const found = epochs.find((each) => each.epoch === epoch);
  if (found === undefined) throw new Refusal('EPOCH_UNKNOWN', { epoch });
  return found;
}

/** @throws {Refusal} `EPOCH_UNKNOWN`, `EPOCH_STATE` unless it is open-only. */
export function demandClosable(epochs: readonly KeyEpoch[], epoch: number): KeyEpoch {
  const found = demandEpoch(epochs, epoch);
  if (found.state !== 'open-only') throw wrongState(found, 'open-only');
  return found;
}

export interface DestroyRules {
  readonly nowMs: number;
  /** Days it must have been closed with none of its tokens seen; 0 is the explicit override. */
  readonly quietDays: number;
  /** Cards whose current token this key made. */
  readonly cardCount: number;
}

/**
 * A key that was never active made nothing, and may go at once. Any other must be closed, needed by
 * no card, and quiet for long enough.
 *
 * @throws {Refusal} `EPOCH_UNKNOWN`, `EPOCH_STATE`, `EPOCH_IN_USE`, `EPOCH_NOT_QUIET`
 */
export function demandDestroyable(
  epochs: readonly KeyEpoch[],
  epoch: number,
  { nowMs, quietDays, cardCount }: DestroyRules,
): KeyEpoch {
  const found = demandEpoch(epochs, epoch);
  if (found.state !== 'closed' && found.state !== 'pre-active') throw wrongState(found, 'closed');
  if (cardCount > 0) throw new Refusal('EPOCH_IN_USE', { epoch, cardCount });
  if (found.state === 'pre-active') return found;
  const quietSinceMs = Math.max(found.stateSinceMs, found.lastSeenAtMs ?? 0);
  const goodFromMs = Math.max(
    quietSinceMs + quietDays * DAY_MS,
    found.stateSinceMs + CLOSED_MS_MIN,
  );
  if (nowMs < goodFromMs) {
    throw new Refusal('EPOCH_NOT_QUIET', {
      epoch,
      quietDays,
      seenCount: found.seenCount,
      notBefore: new Date(goodFromMs).toISOString(),
    });
  }
  return found;
}

/**
 * How long a data key makes nothing any more before it may be destroyed: longer than any request
 * lives, so that nothing sealed under it is still on its way to the database.
 */
export const DATA_KEY_REST_MS = 15 * 60 * 1000;

/** @throws {Refusal} `EPOCH_UNKNOWN`, `EPOCH_STATE`, `EPOCH_IN_USE`, `EPOCH_NOT_QUIET` */
export function demandDataKeyDestroyable(
  epochs: readonly KeyEpoch[],
  epoch: number,
  { nowMs, sealedCount }: { readonly nowMs: number; readonly sealedCount: number },
): KeyEpoch {
  const found = demandEpoch(epochs, epoch);
  if (found.state !== 'open-only') throw wrongState(found, 'open-only');
  if (sealedCount > 0) throw new Refusal('EPOCH_IN_USE', { epoch, sealedCount });
  const goodFromMs = found.stateSinceMs + DATA_KEY_REST_MS;
  if (nowMs < goodFromMs) {
    const notBefore = new Date(goodFromMs).toISOString();
    throw new Refusal('EPOCH_NOT_QUIET', { epoch, notBefore });
  }
  return found;
}

/** The destroyed epochs whose tokens carry the same mark as those of `epoch`, newest first. */
export function destroyedWithMarkOf(
  alphabet: Alphabet,
  destroyed: readonly number[],
  mark: string,
): readonly number[] {
  return destroyed.filter((epoch) => markOf(alphabet, epoch) === mark).sort((a, b) => b - a);
}

function wrongState({ epoch, state }: KeyEpoch, needed: KeyState): Refusal {
  return new Refusal('EPOCH_STATE', { epoch, state, needed });
}
