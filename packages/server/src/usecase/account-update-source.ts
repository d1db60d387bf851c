/**
 * Where it is known what became of cards: one port, whoever is behind it.
 *
 * @module
 */
import type { Refusal } from '../domain/error.ts';
import type { Expiry } from '../domain/expiry.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { CardNumber } from '../domain/pan.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { ValidationStatus } from '../domain/validation.ts';

/** A card as a merchant has it on file. */
export interface AccountInquiry {
  readonly merchant: Merchant;
  readonly number: CardNumber;
  readonly expiry: Expiry;
}

/** What is known of a card. The new number is there for `A`, the new expiry for `A` and `E`. */
export interface AccountUpdate {
  readonly status: ValidationStatus;
  readonly newNumber?: CardNumber;
  readonly newExpiry?: Expiry;
  /** The card on our own record; undefined when the answer is somebody else's. */
  readonly onRecord?: CardOnRecord;
}

export interface CardOnRecord {
  readonly organization: OrganizationNumber;
  /** Undefined where the BIN is ours and the number is not on record. */
  readonly lineage?: RecordId;
  readonly token?: string;
  /** The number asked about is bait. */
  readonly bait?: boolean;
  /** `A`: the token of the new number. */
  readonly newToken?: string;
}

/**
 * The answer to one inquiry. What an upstream refuses, does not answer, or answers in a way we do not
 * understand is a refusal, with the raw code in its facts as `upstreamCode`; never a letter.
 */
export type InquiryOutcome =
  | { readonly update: AccountUpdate; readonly refusal?: never }
  | { readonly refusal: Refusal; readonly update?: never };

/** A push of an upstream about one card: a hint to ask anew, not an answer. */
export interface CallbackHint {
  readonly number: CardNumber;
}

/** What an upstream pushed, and what it wants to hear. */
export interface HandledCallback {
  readonly hints: readonly CallbackHint[];
  /** The body that acknowledges all of it; undefined where the status alone does. */
  readonly acknowledgement?: unknown;
}

/** Whether who pushes has shown what was agreed with the upstream. */
export type CallbackGuard = (shown: CallbackOrigin) => boolean;

export interface CallbackOrigin {
  /** SHA-256 of the client certificate it has proven to own, 64 lower-case hexadecimal digits. */
  readonly certificate: string | undefined;
  /** The last part of the path, where there is one. */
  readonly secret: string | undefined;
}

export interface AccountUpdateSource {
  readonly name: string;
  readonly limits: {
    /** More are cut into several calls. */
    readonly inquiriesPerCall: number;
    readonly callsAtOnce: number;
  };
  /** Any number of inquiries; one outcome for each, in their order. Rejects for bugs only. */
  inquire(inquiries: readonly AccountInquiry[]): Promise<readonly InquiryOutcome[]>;
  /** Whether it tells of changes by itself once it is asked to: then it is subscribed to. */
  readonly pushes: boolean;
  /**
   * As whom a merchant is known there: two merchants with the same name share their subscriptions.
   * Undefined: it is not.
   */
  subscriberOf(merchantId: string): string | undefined;
  /** Asks to be told of changes; undefined for each that is, a refusal for each that is not. */
  subscribe(inquiries: readonly AccountInquiry[]): Promise<readonly (Refusal | undefined)[]>;
  unsubscribe(inquiries: readonly AccountInquiry[]): Promise<readonly (Refusal | undefined)[]>;
  /**
   * Reads what the upstream sent, once it is known to be from there.
   *
   * @throws {Refusal} `ENCDATA_UNREADABLE`, `REQUEST_INVALID`
   */
  handleCallback(body: Uint8Array): Promise<HandledCallback>;
}

/** What an audit record says of a refusal of an upstream: what the upstream itself called it. */
export function upstreamFacts({ facts: { upstreamCode } }: Refusal): {
  readonly upstreamCode?: string;
} {
  return upstreamCode === undefined ? {} : { upstreamCode: String(upstreamCode) };
}
