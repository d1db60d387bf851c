/**
 * How what is kept of watched cards is sealed, and found again.
 *
 * @module
 */
import type { CardNumber } from '../domain/pan.ts';
import type { RecordId } from '../domain/record-id.ts';

/** Seals what the updater keeps of cards that may be nobody's here, and finds it again. */
export interface UpdaterVault {
  numberIndex(number: CardNumber): WatchIndex;
  /** Of a text that may hold anything. */
  customIndex(customReference: string): WatchIndex;
  seal(place: VaultPlace, text: string): Uint8Array;
  /** @throws {Refusal} `RECORD_DAMAGED` when it was sealed elsewhere or has been changed. */
  open(place: VaultPlace, bytes: Uint8Array): string;
  /** The same under the newest key; undefined when it is under that one already. @throws as `open`. */
  reseal(place: VaultPlace, bytes: Uint8Array): Uint8Array | undefined;
}

/**
 * What watched cards are found by: keyed digests of 32 bytes. While one key takes over from another,
 * nodes that are a step apart find what each other wrote, and have one digest of each number in common.
 */
export interface WatchIndex {
  /** Under the key that makes. */
  readonly current: Uint8Array;
  /** Under the key that makes next; where none waits for that, the same as `current`. */
  readonly next: Uint8Array;
  readonly sought: SoughtIndex;
}

/** Either of the two, under the key that makes and the one beside it; where there is one key, the same. */
export type SoughtIndex = readonly [Uint8Array, Uint8Array];

/** What a sealed text belongs to; it opens nowhere else. */
export interface VaultPlace {
  readonly panid: string;
  readonly merchantId: string;
  readonly part: WatchPart;
}

/** The entry itself, what its merchant was told last, or one of its notifications. */
export type WatchPart = 'entry' | 'told' | `notification:${number}`;

/** All that is sealed of one watched card. */
export interface SealedWatch {
  readonly panid: string;
  readonly merchantId: string;
  /** `entry`, and the others there are. Empty: it has ended, or was delivered. */
  readonly parts: readonly { readonly part: WatchPart; readonly sealed: Uint8Array }[];
}

/** A watched card of an organization, and where on its record it is; undefined: not on it yet. */
export interface WatchOfOrganization extends Pick<IndexedWatch, 'panid' | 'merchantId' | 'sealed'> {
  readonly lineage: RecordId | undefined;
}

/** What a watched card is found by, and what that is made of. */
export interface IndexedWatch {
  readonly panid: string;
  readonly merchantId: string;
  /** A `WatchedCard` as JSON, sealed. */
  readonly sealed: Uint8Array;
  readonly panIndex: Uint8Array;
  readonly nextPanIndex: Uint8Array | undefined;
  readonly customIndex: Uint8Array | undefined;
}
