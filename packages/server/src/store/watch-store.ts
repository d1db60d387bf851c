import assert from 'node:assert/strict';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { ValidationStatus } from '../domain/validation.ts';
import type {
  ClaimedEntry,
  ClaimedNotification,
  FedChange,
  NotificationState,
  NotificationView,
  WatchStore,
} from '../usecase/watch-ports.ts';
import type { Claimer } from './engine.ts';
import type { Reader, Row } from './statements.ts';
import { CLAIMS_MAX } from './watch-statements.ts';

/** The watchlist and the outbox in tables watch_entry, change_feed and notification. */
export function makeWatchStore(reader: Reader, claimer: Claimer): WatchStore {
  return {
    async findPanid(merchantId, sought) {
      const [row] = await reader.read('findPanid', [merchantId, ...sought]);
      return row?.panid as string | undefined;
    },
    async findWatch(panid) {
      const [row] = await reader.read('findWatch', [panid]);
      if (row === undefined) return undefined;
      const organization = (row.organization ?? undefined) as OrganizationNumber | undefined;
      const subscribedAtMs = momentOf(row.subscribedAtMs);
      return { merchantId: row.merchantId as string, organization, subscribedAtMs };
    },
    async isWatching(merchantId) {
      return (await reader.read('findWatchOfMerchant', [merchantId])).length > 0;
    },
    async listWatchers(sought) {
      return (await reader.read('listWatchers', sought)).map(({ merchant }) => String(merchant));
    },
    async listPanids(merchantId, sought, after, limit) {
      const rows = await reader.read('listPanids', [merchantId, ...sought, after, limit]);
      return rows.map(({ panid }) => panid as string);
    },
    async listFailing(after, limit) {
      const rows = await reader.read('listFailingWatches', [after, limit]);
      return rows.map((row) => ({
        panid: row.panid as string,
        merchantId: row.merchantId as string,
        failureCount: row.failureCount as number,
        lastCode: row.lastCode as string,
        nextCheckAtMs: Number(row.nextCheckAtMs),
      }));
    },
    async listDueFeed(nowMs, limit) {
      return (await reader.read('listDueFeed', [nowMs, limit])).map(fedOf);
    },
    async listFeed(organization, panid) {
      return (await reader.read('listFeed', [organization, panid])).map(fedOf);
    },
    async claimEntries(nowMs, untilMs, limit) {
      assert(limit <= CLAIMS_MAX);
      return (await claimer.claim('claimEntries', [nowMs, untilMs, limit])).map(entryOf);
    },
    async claimNotifications(nowMs, untilMs, limit) {
      assert(limit <= CLAIMS_MAX);
      const rows = await claimer.claim('claimNotifications', [nowMs, untilMs, limit]);
      return rows.map(claimedNotificationOf);
    },
    async findNotification(panid, position) {
      const [row] = await reader.read('findNotification', [panid, position]);
      return row?.state as NotificationState | undefined;
    },
    async listNotifications(state, limit, before) {
      const { nextAttemptAtMs, panid, position } = before ?? BEFORE_NONE;
      const values = [state, nextAttemptAtMs, panid, position, limit];
      return (await reader.read('listNotifications', values)).map(viewOf);
    },
  };
}

/** Later than any. */
const BEFORE_NONE = { nextAttemptAtMs: Number.MAX_SAFE_INTEGER, panid: '', position: 0 } as const;

function fedOf(row: Row): FedChange {
  return {
    organization: row.organization as OrganizationNumber,
    panid: row.panid as string,
    dueAtMs: Number(row.dueAtMs),
    lineage: idOf(row.lineage) as RecordId,
    position: row.position as number,
  };
}

function entryOf(row: Row): ClaimedEntry {
  return {
    panid: row.panid as string,
    merchantId: row.merchantId as string,
    sealed: row.sealed as Uint8Array,
    organization: (row.organization ?? undefined) as OrganizationNumber | undefined,
    lineage: idOf(row.lineage),
    toldStatus: (row.toldStatus ?? undefined) as ValidationStatus | undefined,
    told: (row.told ?? undefined) as Uint8Array | undefined,
    notificationCount: row.notificationCount as number,
    failureCount: row.failureCount as number,
    nextCheckAtMs: Number(row.nextCheckAtMs),
    claim: row.claim as number,
    subscribedAtMs: momentOf(row.subscribedAtMs),
    isEnding: row.ended === 2,
  };
}

function momentOf(value: Row[string] | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

function claimedNotificationOf(row: Row): ClaimedNotification {
  return {
    panid: row.panid as string,
    position: row.position as number,
    merchantId: row.merchantId as string,
    requestId: row.requestId as RecordId,
    sealed: row.sealed as Uint8Array,
    createdAtMs: Number(row.createdAtMs),
    attemptCount: row.attemptCount as number,
    claim: row.claim as number,
  };
}

function viewOf(row: Row): NotificationView {
  return {
    panid: row.panid as string,
    position: row.position as number,
    merchantId: row.merchantId as string,
    requestId: row.requestId as RecordId,
    state: row.state as NotificationState,
    attemptCount: row.attemptCount as number,
    nextAttemptAtMs: Number(row.nextAttemptAtMs),
    lastOutcome: (row.lastOutcome ?? undefined) as string | undefined,
    createdAtMs: Number(row.createdAtMs),
  };
}

function idOf(bytes: Row[string] | undefined): RecordId | undefined {
  if (!(bytes instanceof Uint8Array)) return undefined;
  return Buffer.from(bytes).toString('hex') as RecordId;
}
