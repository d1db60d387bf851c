/**
 * What the use cases need of the world, named by role. No SQL, HTTP or vendor stands here.
 *
 * @module
 */

import type { AccountChange } from '../domain/account-change.ts';
import type { AuditRecord } from '../domain/audit-record.ts';
import type { BinRange } from '../domain/bin-range.ts';
import type { Caller, CallerKey } from '../domain/caller.ts';
import type { Card, NumberRecord, Sealed } from '../domain/card.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { CardNumber } from '../domain/pan.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { SignedNonce } from '../domain/signed-nonce.ts';
import type { TokenKeys } from '../domain/token-format.ts';

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
  listOrganizations(): readonly Organization[];
  listCallers(): readonly Caller[];
  /** All that were ever made for a caller, oldest first. */
  listCredentials(callerId: string): readonly RegisteredCaller[];
  listMerchants(): readonly Merchant[];
  /** Reads everything anew; resolves when the next look-up sees it. */
  refresh(): Promise<void>;
  /** Whether another node or process has registered or changed something since. */
  hasChanged(): Promise<boolean>;
}

/**
 * A caller by one of its credentials. The secret is wrapped: the signature of a request needs it back.
 */
export interface RegisteredCaller {
  readonly caller: Caller;
  readonly apikeyDigest: string;
  readonly wrappedSecret: Uint8Array;
  readonly createdAtMs: number;
  /** When this credential ends; undefined: with the caller. */
  readonly expiresAtMs: number | undefined;
}

/** Networks of clients: IPv4 and IPv6 in CIDR form. */
export interface Networks {
  isNetwork(text: string): boolean;
  /** An IPv4 address that came over IPv6 is the IPv4 address. */
  includes(networks: readonly string[], address: string): boolean;
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
    panIndex: Uint8Array,
  ): Promise<NumberRecord | undefined>;
  findNumberByToken(
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
  /** One plastic more; the expiry as given, unless it is later already. */
  | { readonly kind: 'renew_card'; readonly card: Card }
  | { readonly kind: 'add_account_change'; readonly change: AccountChange }
  | { readonly kind: 'add_organization'; readonly organization: Organization }
  | { readonly kind: 'add_bin_range'; readonly range: BinRange }
  | { readonly kind: 'add_key'; readonly key: WrappedKey }
  | { readonly kind: 'add_caller'; readonly caller: Caller }
  | { readonly kind: 'add_credential'; readonly registered: RegisteredCaller }
  | {
      readonly kind: 'end_credential';
      readonly callerId: string;
      readonly apikeyDigest: string;
      readonly atMs: number;
    }
  | { readonly kind: 'disable_caller'; readonly callerId: string; readonly atMs: number }
  | {
      readonly kind: 'set_caller_keys';
      readonly callerId: string;
      readonly keys: readonly CallerKey[];
    }
  | { readonly kind: 'add_merchant'; readonly registered: RegisteredMerchant }
  | { readonly kind: 'disable_merchant'; readonly merchantId: string; readonly atMs: number }
  /** Tells all nodes that something was registered or changed. */
  | { readonly kind: 'count_directory_up' }
  | { readonly kind: 'add_nonce'; readonly nonce: SignedNonce }
  | { readonly kind: 'forget_nonces'; readonly expiredBeforeMs: number };

/** All of its changes and its audit record become durable together, or nothing does. */
export interface Unit {
  readonly changes: readonly Change[];
  readonly audit: AuditRecord;
}

/** Which promise of the store a unit would have broken. */
export type Conflict =
  | 'number_taken' // this PAN has a record
  | 'token_taken' // this token is on record; a keyed one may be that of the same PAN
  | 'card_taken' // this number has a card with this sequence
  | 'change_taken' // somebody else changed this lineage first
  | 'nonce_taken' // this caller has signed with it before
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

/** What a key of an organization, or of the service itself, is for. */
export type KeyPurpose =
  | 'token' // FF1 of PAN-TOKENs, by epoch
  | 'index' // HMAC that finds a PAN
  | 'data' // AES-GCM of stored PANs and details, by epoch
  | 'zone' // AES of card numbers sent to and from the organization, by epoch
  | 'credential-index' // service: HMAC that finds an API key
  | 'caller-secret' // service: AES-GCM of callers' secrets
  | 'access-token' // service: HMAC of bearer tokens
  | 'message'; // service: RSA private key of encrypted requests

/** A key as it is stored: wrapped under the key-encryption key, its attributes under the MAC. */
export interface WrappedKey {
  /** Undefined: a key of the service itself. */
  readonly organization: OrganizationNumber | undefined;
  readonly purpose: KeyPurpose;
  /** Counts the keys of one organization and purpose, from 1. */
  readonly epoch: number;
  readonly wrapped: Uint8Array;
  /** Purpose `token`: a token that the key must make again, checked whenever it is loaded. */
  readonly knownAnswer: string | undefined;
  readonly createdAtMs: number;
}

/** Where wrapped keys are read from. */
export interface WrappedKeyStore {
  listKeys(): Promise<readonly WrappedKey[]>;
}

/** What a sealed text belongs to; it opens nowhere else. */
export interface SealedPlace {
  readonly organization: OrganizationNumber;
  readonly recordId: RecordId;
  readonly token: string;
  /** `pan:<lineage>`, or `card:<sequence>` for the details of a card. */
  readonly part: string;
}

/** The keys of organizations. They never leave it; what is done with them is done here. */
export interface Keyring {
  /** Makes and wraps the first keys of an organization. They serve once stored and {@link refresh}ed. */
  newOrganizationKeys(organization: OrganizationNumber): readonly WrappedKey[];
  /** @throws {Refusal} `KEY_UNAVAILABLE`, as every method below. */
  tokenKeys(organization: OrganizationNumber): TokenKeys;
  /** 32 bytes, the same for the same number and organization. */
  panIndex(organization: OrganizationNumber, number: CardNumber): Uint8Array;
  seal(place: SealedPlace, text: string): Sealed;
  /** @throws {Refusal} `RECORD_DAMAGED` when it was sealed elsewhere or has been changed. */
  open(place: SealedPlace, sealed: Sealed): string;
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
  /** Whether `signature` is HMAC-SHA256(secret, message). In constant time. */
  isSignature(registered: RegisteredCaller, message: Uint8Array, signature: Uint8Array): boolean;
  issueAccessToken(callerId: string, nowMs: number, lifetimeSeconds: number): Promise<string>;
  /** The caller an access token was issued to; undefined when it is forged or expired. */
  verifyAccessToken(token: string, nowMs: number): Promise<string | undefined>;
}

/** What is done with public keys of callers. */
export interface PublicKeys {
  /** The key in canonical PEM; undefined when it is none that is good for this use. */
  parse(use: CallerKey['use'], pem: string): string | undefined;
  /** A compact JWE, RSA-OAEP-256 and A256GCM, with the id of the key as `kid`. */
  encryptTo(key: CallerKey, text: string): Promise<string>;
  /** Ed25519. */
  verify(key: CallerKey, message: Uint8Array, signature: Uint8Array): boolean;
}

/** Keys that organizations share with this service, to send card numbers as 32 hexadecimal digits. */
export interface ZoneKeys {
  /**
   * Wraps a zone key of an organization. It serves once stored and {@link refresh}ed.
   *
   * @param bytes 32 bytes the organization gave; left out: drawn here.
   * @returns the key as it is stored, and its bytes, to be shown once.
   */
  newKey(
    organization: OrganizationNumber,
    bytes?: Uint8Array,
  ): { readonly key: WrappedKey; readonly bytes: Uint8Array };
  /** Under the newest key. @throws {Refusal} `NUMBER_ENCRYPTED_NO_ZONE_KEY` */
  encrypt(organization: OrganizationNumber, number: CardNumber): string;
  /**
   * With the newest key or the one before, while the organization changes over.
   *
   * @throws {Refusal} `NUMBER_ENCRYPTED_NO_ZONE_KEY`, `NUMBER_ENCRYPTED_UNREADABLE`
   */
  decrypt(organization: OrganizationNumber, encrypted: string): CardNumber;
  refresh(): Promise<void>;
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
