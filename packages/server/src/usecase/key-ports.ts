/**
 * What the use cases of keys need of the world, and what becomes of keys when a unit is committed.
 *
 * @module
 */
import type { Card, NumberRecord } from '../domain/card.ts';
import type { KeyEpoch, KeyState } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { IndexedWatch, WatchPart } from './watch-vault.ts';

/** What a key of an organization, or of the service itself, is for. */
export type KeyPurpose =
  | 'token' // FF1 of PAN-TOKENs, by epoch
  | 'index' // HMAC that finds a PAN
  | 'data' // AES-GCM of stored PANs and details, by epoch
  | 'reference' // HMAC that finds what others sent, by the name they gave it
  | 'zone' // AES of card numbers sent to and from the organization, by epoch
  | 'credential-index' // service: HMAC that finds an API key
  | 'caller-secret' // service: AES-GCM of callers' secrets
  | 'access-token' // service: HMAC of bearer tokens
  | 'updater-index' // service: HMAC that finds watched cards
  | 'updater-data' // service: AES-GCM of watched cards and notifications
  | 'updater-signing' // service: Ed25519 private key that signs notifications
  | 'audit' // service: Ed25519 private key of audit checkpoints
  | 'message'; // service: RSA private key of encrypted requests

/** Those of the service. */
export type ServicePurpose = Extract<
  KeyPurpose,
  | 'credential-index'
  | 'caller-secret'
  | 'access-token'
  | 'updater-index'
  | 'updater-data'
  | 'updater-signing'
  | 'audit'
  | 'message'
>;

/** What a key is called in the database. */
export interface KeyName {
  /** Undefined: a key of the service itself. */
  readonly organization: OrganizationNumber | undefined;
  readonly purpose: KeyPurpose;
  /** Counts the keys of one organization and purpose, from 1. */
  readonly epoch: number;
}

/** A key as it is stored: wrapped under a key-encryption key, its attributes under the MAC. */
export interface WrappedKey extends KeyName {
  readonly id: string;
  /** Where it may be used: a key of the test environment does not open in production. */
  readonly environment: string;
  /** Names the key-encryption key it is wrapped under. */
  readonly kek: string;
  readonly wrapped: Uint8Array;
  /** Six hexadecimal digits that people compare. */
  readonly checkValue: string;
  /** Purpose `token`: a token that the key must make again, checked whenever it is loaded. */
  readonly knownAnswer: string | undefined;
  readonly createdAtMs: number;
}

/** A key and its life; a destroyed one has no bytes. */
export interface KeyRecord extends KeyName, KeyEpoch {
  readonly key: WrappedKey | undefined;
}

/** Where wrapped keys are read from. */
export interface WrappedKeyStore {
  /** All of one moment. */
  listKeys(): Promise<readonly KeyRecord[]>;
}

/** One thing about keys that becomes true when its unit is committed. */
export type KeyChange =
  | { readonly kind: 'add_key'; readonly key: WrappedKey }
  | ({ readonly kind: 'add_key_epoch'; readonly state: KeyState } & KeyName & {
        readonly atMs: number;
      })
  /** Nothing happens unless the key is in state `from`. */
  | ({
      readonly kind: 'set_key_state';
      readonly from: KeyState;
      readonly to: KeyState;
    } & KeyName & {
        readonly atMs: number;
      })
  /** The wrapped bytes go; that there was such a key stays on record. */
  | ({ readonly kind: 'delete_key' } & KeyName)
  /** Nothing happens unless it is wrapped under `fromKek`. */
  | { readonly kind: 'rewrap_key'; readonly key: WrappedKey; readonly fromKek: string }
  | {
      readonly kind: 'count_seen_token';
      readonly organization: OrganizationNumber;
      readonly epoch: number;
      readonly atMs: number;
    }
  /** Sealed anew; nothing happens unless it is what it was before. */
  | {
      readonly kind: 'reseal_credential';
      readonly apikeyDigest: string;
      readonly wrappedSecret: Uint8Array;
      readonly before: Uint8Array;
    }
  | { readonly kind: 'save_key_job'; readonly job: KeyJob }
  | {
      readonly kind: 'end_key_job';
      readonly organization: OrganizationNumber;
      readonly job: KeyJobName;
    }
  | { readonly kind: 'add_operator'; readonly operator: RegisteredOperator }
  | { readonly kind: 'remove_operator'; readonly operatorId: string }
  | { readonly kind: 'ask_approval'; readonly approval: Approval }
  /** Once; a second time is a conflict. */
  | { readonly kind: 'end_approval'; readonly approval: Approval }
  | KeyWatchChange
  | KeyNumberChange;

/** What a change of keys does to a watched card. */
export type KeyWatchChange =
  /** A part of it sealed anew; nothing happens unless it is what it was before. */
  | {
      readonly kind: 'reseal_watch';
      readonly panid: string;
      readonly part: WatchPart;
      readonly sealed: Uint8Array;
      readonly before: Uint8Array;
    }
  /** What it is found by from now on; nothing happens when it has ended. */
  | ({ readonly kind: 'reindex_watch' } & Omit<IndexedWatch, 'merchantId' | 'sealed'>);

/** What a change of keys does to a number or a card. */
export type KeyNumberChange =
  | {
      readonly kind: 'add_replaced_token';
      readonly organization: OrganizationNumber;
      readonly epoch: number;
      readonly token: string;
      readonly numberId: RecordId;
      readonly atMs: number;
    }
  /** Token, epoch and sealed PAN as given. */
  | { readonly kind: 'set_number_token'; readonly record: NumberRecord }
  /** Sealed anew; nothing happens unless it was sealed under `fromEpoch` and has this token. */
  | { readonly kind: 'reseal_number'; readonly record: NumberRecord; readonly fromEpoch: number }
  | { readonly kind: 'reseal_card'; readonly card: Card; readonly fromEpoch: number }
  | { readonly kind: 'set_next_pan_index'; readonly record: NumberRecord }
  /** The next index becomes the index. */
  | {
      readonly kind: 'promote_pan_index' | 'clear_next_pan_index';
      readonly organization: OrganizationNumber;
      readonly numberId: RecordId;
    };

/** What a job over the numbers of an organization does. */
export type KeyJobName = 'retokenize' | 'rekey-data' | 'rekey-index';

/** How far a job has come. */
export interface KeyJob {
  readonly organization: OrganizationNumber;
  readonly job: KeyJobName;
  /** The epoch that everything goes to. */
  readonly epoch: number;
  /** All numbers up to this one are done. */
  readonly position: RecordId;
  readonly doneCount: number;
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
}

/** Reads of key jobs: over all numbers of one organization, a page at a time. */
export interface KeyJobStore {
  findJob(organization: OrganizationNumber, job: KeyJobName): Promise<KeyJob | undefined>;
  /** By id, those after `position`. */
  listNumbersAfter(
    organization: OrganizationNumber,
    position: RecordId,
    limit: number,
  ): Promise<readonly NumberRecord[]>;
  countNumbers(organization: OrganizationNumber): Promise<number>;
  /** How many current tokens each epoch has made. */
  countTokens(organization: OrganizationNumber): Promise<ReadonlyMap<number, number>>;
  /** How many replaced tokens of each epoch are kept. */
  countReplacedTokens(organization: OrganizationNumber): Promise<ReadonlyMap<number, number>>;
  /** How many numbers and cards are sealed under each data key. */
  countSealed(organization: OrganizationNumber): Promise<ReadonlyMap<number, number>>;
  /** How many kept answers are sealed under each data key: they go by themselves, after a day. */
  countAnswers(organization: OrganizationNumber): Promise<ReadonlyMap<number, number>>;
  /** How far an index key has taken over. */
  countIndexes(organization: OrganizationNumber): Promise<{
    readonly withoutNextCount: number;
    readonly withNextCount: number;
    /** The next index is there and is not the index yet. */
    readonly notPromotedCount: number;
  }>;
}

/** Somebody who runs key commands. */
export interface RegisteredOperator {
  readonly id: string;
  readonly name: string;
  readonly credentialDigest: string;
  readonly createdAtMs: number;
}

/** A command that waits for a second operator. */
export interface Approval {
  readonly command: string;
  /** The id of the operator. */
  readonly requestedBy: string;
  readonly requestedAtMs: number;
}

export interface OperatorStore {
  listOperators(): Promise<readonly RegisteredOperator[]>;
  findApproval(command: string): Promise<Approval | undefined>;
}
