/**
 * What watching cards and notifying merchants need of the world.
 *
 * @module
 */
import type { Merchant } from '../domain/merchant.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { ValidationStatus } from '../domain/validation.ts';
import type { SoughtIndex, WatchIndex } from './watch-vault.ts';

/** A card on a merchant's watchlist. */
export interface WatchEntry {
  /** 32 lower-case hexadecimal digits, random. */
  readonly panid: string;
  readonly merchantId: string;
  readonly numberIndex: Pick<WatchIndex, 'current' | 'next'>;
  readonly customIndex?: Uint8Array | undefined;
  /** {@link WatchedCard} as JSON, sealed. */
  readonly sealed: Uint8Array;
  readonly organization?: OrganizationNumber | undefined;
  readonly lineage?: RecordId | undefined;
  readonly nextCheckAtMs: number;
  readonly createdAtMs: number;
}

/** What a merchant gave. */
export interface WatchedCard {
  readonly pan: string;
  /** YYYYMM */
  readonly expiry: number;
  readonly customReference?: string | undefined;
  /** How it was named: with a token it is answered with tokens. */
  readonly by: 'number' | 'token';
}

/** An entry that is being checked by this node and no other. */
export interface ClaimedEntry
  extends Omit<WatchEntry, 'numberIndex' | 'createdAtMs' | 'customIndex'> {
  /** Fences the unit that settles the check: a later claim has another number. */
  readonly claim: number;
  readonly toldStatus?: ValidationStatus | undefined;
  /** What the merchant was told last, sealed. */
  readonly told?: Uint8Array | undefined;
  readonly notificationCount: number;
  readonly failureCount: number;
  /** When its scheme was asked to push; undefined: it was not. */
  readonly subscribedAtMs?: number | undefined;
  /** Nobody watches it any more, and its scheme is to be told. */
  readonly isEnding: boolean;
}

export type NotificationState = 'pending' | 'delivered' | 'failed';

/** What a merchant is to be told of one card. */
export interface Notification {
  readonly panid: string;
  /** Counts those of one panid, from 1; they are delivered in this order. */
  readonly position: number;
  readonly merchantId: string;
  /** The `x-request-id` of all attempts. */
  readonly requestId: RecordId;
  /** The text that is encrypted to the merchant, sealed. */
  readonly sealed: Uint8Array;
  readonly createdAtMs: number;
}

export interface ClaimedNotification extends Notification {
  readonly claim: number;
  readonly attemptCount: number;
}

/** A notification as an operator sees it. */
export interface NotificationView extends Omit<Notification, 'sealed'> {
  readonly state: NotificationState;
  readonly attemptCount: number;
  readonly nextAttemptAtMs: number;
  readonly lastOutcome?: string | undefined;
}

/** A change of a card on our own record that one who watches has to be told of. */
export interface FedChange {
  readonly organization: OrganizationNumber;
  readonly panid: string;
  /** From when on it is told. */
  readonly dueAtMs: number;
  readonly lineage: RecordId;
  /** Of the change in the log of that lineage. */
  readonly position: number;
}

/** One thing about watching that becomes true when its unit is committed. */
export type WatchChange =
  | { readonly kind: 'add_watch'; readonly entry: WatchEntry }
  | {
      readonly kind: 'end_watch';
      readonly panid: string;
      readonly organization: OrganizationNumber | undefined;
    }
  /** The same of a card whose scheme is still to be told; its number is kept until then. */
  | {
      readonly kind: 'leave_watch';
      readonly panid: string;
      readonly organization: OrganizationNumber | undefined;
      readonly atMs: number;
    }
  /** The same of some of a merchant's cards; what was to be told of them goes with them. */
  | { readonly kind: 'leave_merchant'; readonly merchantId: string; readonly atMs: number }
  /** The end of a claimed entry: nothing of its card is kept. */
  | {
      readonly kind: 'finish_watch';
      readonly panid: string;
      readonly organization: OrganizationNumber | undefined;
      readonly claim: number;
    }
  /** Changes of this subject are fed to this entry from now on. */
  | {
      readonly kind: 'watch_card';
      readonly organization: OrganizationNumber;
      /** A lineage, or the index of a number that is not on record yet. */
      readonly subject: Uint8Array;
      readonly panid: string;
    }
  /** They are no longer fed by an index of a number, but for this one. */
  | {
      readonly kind: 'forget_subjects';
      readonly organization: OrganizationNumber;
      readonly panid: string;
      readonly keep: Uint8Array;
    }
  /** Whoever watches is to be told of a change, which is in the same unit. */
  | {
      readonly kind: 'feed_change';
      readonly change: Omit<FedChange, 'panid'>;
      /** Those that lead to the changed one, itself first. */
      readonly lineages: readonly RecordId[];
      /** Of the number the change is about: who waited for it watches its lineage from now on. */
      readonly numberIndex: Uint8Array;
    }
  /** The entry is due at once, also when it is being checked: there is something to be told. */
  | {
      readonly kind: 'wake_entry';
      readonly panid: string;
      readonly fed: readonly FedChange[];
      readonly atMs: number;
    }
  | { readonly kind: 'drop_fed'; readonly fed: FedChange }
  | { readonly kind: 'wake_number'; readonly sought: SoughtIndex; readonly atMs: number }
  | { readonly kind: 'settle_check'; readonly check: SettledCheck }
  | { readonly kind: 'add_notification'; readonly notification: Notification }
  | { readonly kind: 'settle_delivery'; readonly delivery: SettledDelivery }
  | {
      readonly kind: 'retry_notification';
      readonly panid: string;
      readonly position: number;
      readonly atMs: number;
    };

/** A watched card whose last check had no answer, or that could not be subscribed to. */
export interface FailingWatch
  extends Pick<ClaimedEntry, 'panid' | 'merchantId' | 'failureCount' | 'nextCheckAtMs'> {
  /** Why: a code of docs/errors.md. */
  readonly lastCode: string;
}

export interface SettledCheck {
  readonly panid: string;
  readonly claim: number;
  readonly nextCheckAtMs: number;
  readonly organization?: OrganizationNumber | undefined;
  readonly lineage?: RecordId | undefined;
  readonly toldStatus?: ValidationStatus | undefined;
  /** Undefined: it was told nothing since, and what is there stays. */
  readonly told?: Uint8Array | undefined;
  readonly notificationCount: number;
  readonly failureCount: number;
  readonly subscribedAtMs?: number | undefined;
  /** Why there was no answer, or no subscription. */
  readonly lastCode?: string | undefined;
}

export interface SettledDelivery {
  readonly panid: string;
  readonly position: number;
  readonly claim: number;
  readonly state: NotificationState;
  readonly attemptCount: number;
  readonly nextAttemptAtMs: number;
  readonly lastOutcome: string;
  readonly settledAtMs?: number | undefined;
}

export interface WatchStore {
  /** The panid under which a merchant watches a number. */
  findPanid(merchantId: string, sought: SoughtIndex): Promise<string | undefined>;
  /** Whose an entry is that has not ended, and of which organization the card. */
  findWatch(
    panid: string,
  ): Promise<Pick<ClaimedEntry, 'merchantId' | 'organization' | 'subscribedAtMs'> | undefined>;
  /** Whether a merchant watches anything. */
  isWatching(merchantId: string): Promise<boolean>;
  /** The merchants that watch a number. */
  listWatchers(sought: SoughtIndex): Promise<readonly string[]>;
  /** In their own order, from the first one behind `after` on. */
  listPanids(
    merchantId: string,
    sought: SoughtIndex,
    after: string,
    limit: number,
  ): Promise<readonly string[]>;
  /** In the order of their panids, from the first one behind `after` on. */
  listFailing(after: string, limit: number): Promise<readonly FailingWatch[]>;
  /** What is due and has not made its entry due yet, oldest first. */
  listDueFeed(nowMs: number, limit: number): Promise<readonly FedChange[]>;
  /** All that one who watches has not been told yet, in the order it is told; 10,000 at most. */
  listFeed(organization: OrganizationNumber, panid: string): Promise<readonly FedChange[]>;
  /** Entries that are due, which nobody else is given before `untilMs`; 200 at most. */
  claimEntries(nowMs: number, untilMs: number, limit: number): Promise<readonly ClaimedEntry[]>;
  /** The first notification of each panid that is not settled, where it is due. As above. */
  claimNotifications(
    nowMs: number,
    untilMs: number,
    limit: number,
  ): Promise<readonly ClaimedNotification[]>;
  /** How it stands with a notification. */
  findNotification(panid: string, position: number): Promise<NotificationState | undefined>;
  /** Those of the latest attempt first; from the first one behind `before` on. */
  listNotifications(
    state: NotificationState,
    limit: number,
    before?: Pick<NotificationView, 'nextAttemptAtMs' | 'panid' | 'position'>,
  ): Promise<readonly NotificationView[]>;
}

/** Sends a notification to the URL of a merchant. */
export interface NotificationSender {
  /**
   * One attempt. It never rejects: whatever goes wrong is told as a word for the operator, without
   * anything of the message.
   */
  send(
    merchant: Merchant,
    message: { readonly requestId: string; readonly body: string },
  ): Promise<{ readonly isDelivered: boolean; readonly outcome: string; readonly body?: string }>;
}
