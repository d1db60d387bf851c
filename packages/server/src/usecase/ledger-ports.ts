/**
 * The one way to write: what can become true, and how it becomes so.
 *
 * @module
 */

import type { AccountChange } from '../domain/account-change.ts';
import type { AuditLoss, AuditRecord } from '../domain/audit-record.ts';
import type { BinRange } from '../domain/bin-range.ts';
import type { Caller, CallerKey } from '../domain/caller.ts';
import type { Card, NumberRecord } from '../domain/card.ts';
import type { MessageAlgorithm } from '../domain/merchant.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { SignedNonce } from '../domain/signed-nonce.ts';
import type { KeptAnswer } from './answer-once.ts';
import type { Charge, Lift } from './budget-ports.ts';
import type { KeyChange } from './key-ports.ts';
import type { RegisteredCaller, RegisteredMerchant } from './ports.ts';
import type { WatchChange } from './watch-ports.ts';
import type { SoughtIndex } from './watch-vault.ts';

/** One thing that becomes true when its unit is committed. */
export type Change = RecordChange | WatchChange;

/** What concerns cards, what is registered, and the service itself. */
export type RecordChange =
  | {
      readonly kind: 'add_number';
      readonly record: NumberRecord;
      /** Digests of its number and its token: neither may have been deleted. */
      readonly names?: readonly [Uint8Array, Uint8Array];
    }
  /** With its cards, its tokens and what merchants watch of it. */
  | {
      readonly kind: 'delete_number';
      readonly organization: OrganizationNumber;
      readonly numberId: RecordId;
      /** Digests that stay. */
      readonly names: readonly Uint8Array[];
      /** What watched cards of this number are found by. */
      readonly watchIndex: SoughtIndex;
      readonly atMs: number;
    }
  | {
      readonly kind: 'set_retention';
      readonly organization: OrganizationNumber;
      /** Undefined: cards are kept. */
      readonly days: number | undefined;
    }
  | { readonly kind: 'add_card'; readonly card: Card }
  /** One plastic more. Its new expiry is an account change. */
  | { readonly kind: 'renew_card'; readonly card: Card }
  | { readonly kind: 'add_account_change'; readonly change: AccountChange }
  | { readonly kind: 'add_organization'; readonly organization: Organization }
  | { readonly kind: 'add_bin_range'; readonly range: BinRange }
  | KeyChange
  | { readonly kind: 'add_charge'; readonly charge: Charge }
  | { readonly kind: 'forget_charges'; readonly beforeMs: number }
  | { readonly kind: 'add_lift'; readonly lift: Lift }
  | { readonly kind: 'approve_lift'; readonly id: string; readonly by: string; atMs: number }
  | { readonly kind: 'accept_loss'; readonly loss: AuditLoss; readonly by: string; atMs: number }
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
  | {
      readonly kind: 'set_merchant_key';
      readonly merchantId: string;
      readonly publicKeyPem: string;
      readonly algorithm: MessageAlgorithm;
    }
  | {
      readonly kind: 'set_merchant_terms';
      readonly merchantId: string;
      readonly organizations: ReadonlySet<OrganizationNumber>;
      readonly validationsPerMinute: number | undefined;
    }
  | {
      readonly kind: 'set_merchant_api_key';
      readonly merchantId: string;
      readonly apiKeyDigest: string;
    }
  | {
      readonly kind: 'set_merchant_notification';
      readonly merchantId: string;
      readonly url: string | undefined;
      readonly signed: boolean;
    }
  /**
   * Tells all nodes that something was registered or changed.
   *
   * `fromVersion`: on a view of the directory that must still be the newest one, or the unit is not
   * kept (`claim_lost`).
   */
  | { readonly kind: 'count_directory_up'; readonly fromVersion?: number }
  | { readonly kind: 'set_bait'; readonly record: NumberRecord; readonly isBait: boolean }
  | { readonly kind: 'add_nonce'; readonly nonce: SignedNonce }
  | { readonly kind: 'forget_nonces'; readonly expiredBeforeMs: number }
  | { readonly kind: 'add_answer'; readonly answer: KeptAnswer }
  | {
      readonly kind: 'forget_answers';
      readonly organization: OrganizationNumber;
      readonly createdBeforeMs: number;
    };

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
  | 'answer_taken' // this caller has used this Idempotency-Key
  | 'watch_taken' // this merchant watches this number
  | 'claim_lost' // somebody else has taken over what was claimed, or changed what was looked at
  | 'nonce_taken' // this caller has signed with it before
  | 'key_taken' // there is a key of this epoch, or in this state
  | 'name_deleted' // this number or token was deleted, or is at this moment
  | 'token_replaced' // this token has been replaced already
  | 'reference_taken' // a change of this reference is recorded
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
