/**
 * What the use cases need of the world, named by role. No SQL, HTTP or vendor stands here.
 *
 * @module
 */

import type { AccountChange } from '../domain/account-change.ts';
import type { BinRange } from '../domain/bin-range.ts';
import type { Caller, CallerKey } from '../domain/caller.ts';
import type {
  Card,
  CardTerms,
  NumberRecord,
  NumberWithCard,
  NumberWithTerms,
  PanIndex,
  Sealed,
} from '../domain/card.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { CardNumber } from '../domain/pan.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { OpenedToken, TokenKeys } from '../domain/token-format.ts';
import type { KeyName, WrappedKey } from './key-ports.ts';

export type {
  KeyName,
  KeyPurpose,
  KeyRecord,
  WrappedKey,
  WrappedKeyStore,
} from './key-ports.ts';

export type {
  Change,
  CommitOutcome,
  Conflict,
  Ledger,
  RecordChange,
  Unit,
} from './ledger-ports.ts';

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
  findMerchantById(merchantId: string): Merchant | undefined;
  listOrganizations(): readonly Organization[];
  listCallers(): readonly Caller[];
  /** All that were ever made for a caller, oldest first. */
  listCredentials(callerId: string): readonly RegisteredCaller[];
  listMerchants(): readonly Merchant[];
  /** Reads everything anew; resolves when the next look-up sees it. */
  refresh(): Promise<void>;
  /** Of the view that is in memory; it counts up with every change. */
  version(): number;
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

/**
 * Reads of cards. Whatever this process committed before the call is seen, and what another one
 * committed before this turn of the event loop (docs/adr/store-turns.md).
 */
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
  /** A number and one of its cards in one look. */
  findCardByIndex(
    organization: OrganizationNumber,
    panIndex: PanIndex,
    sequence: number,
  ): Promise<NumberWithCard | undefined>;
  findTermsByIndex(
    organization: OrganizationNumber,
    panIndex: PanIndex,
  ): Promise<NumberWithTerms | undefined>;
  findCardByToken(
    organization: OrganizationNumber,
    epoch: number,
    token: string,
    sequence: number,
  ): Promise<NumberWithCard | undefined>;
  /** By sequence, lowest first. */
  listCards(organization: OrganizationNumber, numberId: RecordId): Promise<readonly Card[]>;
  /** Of the same cards, in no order, what a validation needs. */
  listTerms(organization: OrganizationNumber, numberId: RecordId): Promise<readonly CardTerms[]>;
  /** The numbers that are bait. */
  listBait(organization: OrganizationNumber): Promise<readonly NumberRecord[]>;
  /** Oldest first. */
  listChanges(
    organization: OrganizationNumber,
    lineage: RecordId,
  ): Promise<readonly AccountChange[]>;
  /** The tokens a number had before the one it has. */
  listReplacedTokens(
    organization: OrganizationNumber,
    numberId: RecordId,
  ): Promise<readonly { readonly token: string; readonly epoch: number }[]>;
  /** Whether something of this digest was deleted. */
  isDeleted(organization: OrganizationNumber, digest: Uint8Array): Promise<boolean>;
  findChangeByReference(
    organization: OrganizationNumber,
    referenceIndex: Uint8Array,
  ): Promise<AccountChange | undefined>;
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
  /**
   * Wraps a key. It serves once it is stored and {@link refresh}ed.
   *
   * @param bytes left out: new ones are drawn.
   */
  newKey(name: KeyName, bytes?: Uint8Array): Promise<WrappedKey>;
  /** The bytes of a token key, to be wrapped for somebody else. */
  revealTokenKey(key: WrappedKey): Promise<Uint8Array>;
  /** @throws {Refusal} `KEY_UNAVAILABLE`, `KEY_PROVIDER_GONE`, as every method below. */
  tokenKeys(organization: OrganizationNumber): TokenKeys;
  /** Opens a token of an organization as far as that goes without its record; as `openToken`. */
  openToken(organization: Organization, token: string): Promise<OpenedToken>;
  /** The same for the same number and organization, while its index key stays. */
  panIndex(organization: OrganizationNumber, number: CardNumber): PanIndex;
  /** 32 bytes for a name that others gave to something, and that may hold anything. */
  referenceIndex(organization: OrganizationNumber, reference: string): Uint8Array;
  seal(place: SealedPlace, text: string): Sealed;
  /** @throws {Refusal} `RECORD_DAMAGED` when it was sealed elsewhere or has been changed. */
  open(place: SealedPlace, sealed: Sealed): string;
  /**
   * 66 bits in 11 characters of a digest that nobody makes without a data key: to be sealed under that key, with
   * something that belongs to the text.
   *
   * @param dataKeyEpoch left out: that of the key that seals now.
   */
  imprint(organization: OrganizationNumber, text: string, dataKeyEpoch?: number): string;
  refresh(): Promise<void>;
}

/** API keys, secrets and access tokens of callers and merchants. */
export interface Credentials {
  /** A new secret text: 32 random bytes in base64url. */
  newSecret(): string;
  /** What an API key is stored and found by: a keyed digest, hexadecimal. */
  digest(apiKey: string): string;
  wrapSecret(callerId: string, secret: string): Uint8Array;
  /** The same under the newest key; undefined when it is under that one already. */
  rewrapSecret(registered: RegisteredCaller): Uint8Array | undefined;
  /** In constant time. */
  isSecret(registered: RegisteredCaller, candidate: string): boolean;
  /** Whether `signature` is HMAC-SHA256(secret, message). In constant time. */
  isSignature(registered: RegisteredCaller, message: Uint8Array, signature: Uint8Array): boolean;
  issueAccessToken(callerId: string, nowMs: number, lifetimeSeconds: number): Promise<string>;
  /** The caller an access token was issued to; undefined when it is forged or expired. */
  verifyAccessToken(token: string, nowMs: number): Promise<string | undefined>;
  /** The same for a token that was verified lately; undefined: ask {@link verifyAccessToken}. */
  rememberedAccessToken(token: string, nowMs: number): string | undefined;
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
   * @returns the key as it is stored, its bytes, to be shown once, and the epochs of those that open
   *   until then, newest first.
   */
  newKey(
    organization: OrganizationNumber,
    bytes?: Uint8Array,
  ): Promise<{
    readonly key: WrappedKey;
    readonly bytes: Uint8Array;
    readonly before: readonly number[];
  }>;
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
