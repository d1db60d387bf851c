/**
 * What the use cases need of the world, named by role. No SQL, HTTP or vendor stands here.
 *
 * @module
 */

import type { AccountChange } from '../domain/account-change.ts';
import type { AuditRecord } from '../domain/audit-record.ts';
import type { BinRange } from '../domain/bin-range.ts';
import type { Caller } from '../domain/caller.ts';
import type { Card, NumberRecord, PanIndex, Sealed } from '../domain/card.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { CardNumber } from '../domain/pan.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { TokenKeys } from '../domain/token-format.ts';
import type { KeyChange, KeyName, WrappedKey } from './key-ports.ts';

export type {
  KeyName,
  KeyPurpose,
  KeyRecord,
  WrappedKey,
  WrappedKeyStore,
} from './key-ports.ts';

export interface Clock {
  /** Milliseconds since 1970 UTC. */
  nowMs(): number;
}

/** A cryptographically secure source. */
export interface Random {
  bytes(count: number): Uint8Array;
  /** Uniform in 0 .. limit - 1; limit up to 2 ** 48. */
  integerBelow(limit: number): number;
  /** Never the same twice, on any node; later ones sort after earlier ones. */
  recordId(): RecordId;
}

/** Who and what is registered. In memory, so that asking costs no wait. */
export interface Directory {
  findOrganization(organization: OrganizationNumber): Organization | undefined;
  /** The ranges of an organization, in the order they were registered. */
  listBinRanges(organization: OrganizationNumber): readonly BinRange[];
  listAllBinRanges(): readonly BinRange[];
  findBinRange(number: CardNumber): BinRange | undefined;
  findCaller(apikeyDigest: string): RegisteredCaller | undefined;
  findMerchant(apiKeyDigest: string): Merchant | undefined;
  /** Reads everything anew; resolves when the next look-up sees it. */
  refresh(): Promise<void>;
}

/** A caller and its secret, wrapped: the signature of a request needs the secret back. */
export interface RegisteredCaller {
  readonly caller: Caller;
  readonly apikeyDigest: string;
  readonly wrappedSecret: Uint8Array;
}

/** A merchant and the digest of its API key. */
export interface RegisteredMerchant {
  readonly merchant: Merchant;
  readonly apiKeyDigest: string;
}

/** Reads of cards. Whatever was committed before the call is seen. */
export interface CardStore {
  findNumber(organization: OrganizationNumber, id: RecordId): Promise<NumberRecord | undefined>;
  findNumberByIndex(
    organization: OrganizationNumber,
    panIndex: PanIndex,
  ): Promise<NumberRecord | undefined>;
  findNumberByToken(
    organization: OrganizationNumber,
    epoch: number,
    token: string,
  ): Promise<NumberRecord | undefined>;
  /** The number that had this token before it was given one of a newer epoch. */
  findNumberByReplacedToken(
    organization: OrganizationNumber,
    epoch: number,
    token: string,
  ): Promise<NumberRecord | undefined>;
  findCard(
    organization: OrganizationNumber,
    numberId: RecordId,
    sequence: number,
  ): Promise<Card | undefined>;
  /** By sequence, lowest first. */
  listCards(organization: OrganizationNumber, numberId: RecordId): Promise<readonly Card[]>;
  /** Oldest first. */
  listChanges(
    organization: OrganizationNumber,
    lineage: RecordId,
  ): Promise<readonly AccountChange[]>;
}

/** One thing that becomes true when its unit is committed. */
export type Change =
  | { readonly kind: 'add_number'; readonly record: NumberRecord }
  | { readonly kind: 'add_card'; readonly card: Card }
  /** Expiry as given, one plastic more. */
  | { readonly kind: 'renew_card'; readonly card: Card }
  | { readonly kind: 'add_account_change'; readonly change: AccountChange }
  | { readonly kind: 'add_organization'; readonly organization: Organization }
  | { readonly kind: 'add_bin_range'; readonly range: BinRange }
  | KeyChange
  | { readonly kind: 'add_caller'; readonly registered: RegisteredCaller }
  | { readonly kind: 'add_merchant'; readonly registered: RegisteredMerchant };

/** All of its changes and its audit record become durable together, or nothing does. */
export interface Unit {
  readonly changes: readonly Change[];
  readonly audit: AuditRecord;
}

/** Which promise of the store a unit would have broken. */
export type Conflict =
  | 'number_taken' // this PAN has a record
  | 'token_taken' // this token stands for another PAN
  | 'card_taken' // this number has a card with this sequence
  | 'change_taken' // somebody else changed this lineage first
  | 'key_taken' // there is a key of this epoch, or in this state
  | 'token_replaced' // this token has been replaced already
  | 'registration_taken';

export type CommitOutcome =
  | { readonly committed: true }
  | { readonly committed: false; readonly conflict: Conflict };

/** The one way to write. */
export interface Ledger {
  /**
   * Resolves when the unit is durable, or when it was refused and nothing of it was kept.
   *
   * @throws {Refusal} `STORE_UNAVAILABLE`: whether it was kept is not known.
   */
  commit(unit: Unit): Promise<CommitOutcome>;
}

/** What a sealed text belongs to; it opens nowhere else. */
export interface SealedPlace {
  readonly organization: OrganizationNumber;
  readonly recordId: RecordId;
  readonly token: string;
  /** `pan`, or `card:<sequence>` for the details of a card. */
  readonly part: string;
}

/** The keys of organizations. They never leave it; what is done with them is done here. */
export interface Keyring {
  /**
   * Wraps a key. It serves once it is stored and {@link refresh}ed.
   *
   * @param bytes left out: new ones are drawn.
   */
  newKey(name: KeyName, bytes?: Uint8Array): Promise<WrappedKey>;
  /** The bytes of a token key, to be wrapped for somebody else. */
  revealTokenKey(key: WrappedKey): Promise<Uint8Array>;
  /** @throws {Refusal} `KEY_UNAVAILABLE`, as every method below. */
  tokenKeys(organization: OrganizationNumber): TokenKeys;
  /** The same for the same number and organization, while its index key stays. */
  panIndex(organization: OrganizationNumber, number: CardNumber): PanIndex;
  seal(place: SealedPlace, text: string): Sealed;
  /** @throws {Refusal} `RECORD_DAMAGED` when it was sealed elsewhere or has been changed. */
  open(place: SealedPlace, sealed: Sealed): string;
  /**
   * Reads the keys anew. When that fails, those it has stay good until their time is up.
   *
   * @throws {Error} which key or provider is at fault.
   */
  refresh(): Promise<void>;
}

/** API keys, secrets and access tokens of callers and merchants. */
export interface Credentials {
  /** A new secret text: 32 random bytes in base64url. */
  newSecret(): string;
  /** What an API key is stored and found by: a keyed digest, hexadecimal. */
  digest(apiKey: string): string;
  wrapSecret(callerId: string, secret: string): Uint8Array;
  /** In constant time. */
  isSecret(registered: RegisteredCaller, candidate: string): boolean;
  /** Whether `signature` is base64(HMAC-SHA256(secret, message)). In constant time. */
  isSignature(registered: RegisteredCaller, message: Uint8Array, signature: string): boolean;
  issueAccessToken(callerId: string, nowMs: number, lifetimeSeconds: number): Promise<string>;
  /** The caller an access token was issued to; undefined when it is forged or expired. */
  verifyAccessToken(token: string, nowMs: number): Promise<string | undefined>;
}

/** Messages encrypted from and to merchants. */
export interface MessageCipher {
  /**
   * @returns base64.
   * @throws {Refusal} `ANSWER_TOO_LONG`
   */
  encryptFor(merchant: Merchant, text: string): string;
  /**
   * Undoes what a merchant encrypted to the key of the service. What comes out is hostile: a message
   * that was tampered with gives bytes, too, and no error.
   *
   * @param encrypted base64.
   * @throws {Refusal} `ENCDATA_UNREADABLE`, `TOO_BUSY`
   */
  decrypt(encrypted: string): Promise<Uint8Array>;
  /** SubjectPublicKeyInfo in PEM: what merchants encrypt to. */
  publicKeyPem(): string;
}
