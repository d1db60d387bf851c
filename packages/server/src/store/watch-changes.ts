import type { RecordId } from '../domain/record-id.ts';
import type { Notification, WatchChange, WatchEntry } from '../usecase/watch-ports.ts';
import type { SqlValue, Write } from './statements.ts';

/** The writes that make a change of the watchlist or the outbox true. */
export function writesOfWatch(change: WatchChange): readonly Write[] {
  switch (change.kind) {
    case 'add_watch':
      return [{ name: 'addWatch', values: entryValues(change.entry) }];
    case 'end_watch':
      return [
        { name: 'endWatch', values: [change.panid, new Uint8Array()] },
        { name: 'dropNotifications', values: [change.panid] },
      ];
    case 'add_watch_mark': {
      const { mark, organization, lineage, dueAtMs } = change.mark;
      return [{ name: 'addWatchMark', values: [hex(mark), organization, hex(lineage), dueAtMs] }];
    }
    case 'wake_lineage': {
      const { mark, organization, lineage } = change.mark;
      return [
        { name: 'wakeLineage', values: [organization, hex(lineage), change.atMs] },
        { name: 'dropWatchMark', values: [hex(mark)] },
      ];
    }
    case 'wake_number':
      return [{ name: 'wakeNumber', values: [change.panIndex, change.atMs] }];
    case 'settle_check': {
      const { panid, claim, nextCheckAtMs, organization, lineage, toldStatus } = change.check;
      const { told, notificationCount, failureCount, lastCode } = change.check;
      const place = [organization ?? null, lineage === undefined ? null : hex(lineage)];
      const state = [toldStatus ?? null, told ?? null, notificationCount, failureCount];
      const values = [panid, claim, nextCheckAtMs, ...place, ...state, lastCode ?? null];
      return [{ name: 'settleCheck', values }];
    }
    case 'add_notification':
      return [{ name: 'addNotification', values: notificationValues(change.notification) }];
    case 'settle_delivery': {
      const { panid, position, claim, state, attemptCount } = change.delivery;
      const { nextAttemptAtMs, lastOutcome, settledAtMs } = change.delivery;
      const values = [panid, position, claim, state, attemptCount, nextAttemptAtMs, lastOutcome];
      return [{ name: 'settleDelivery', values: [...values, settledAtMs ?? null] }];
    }
    case 'retry_notification': {
      const { panid, position, atMs } = change;
      return [{ name: 'retryNotification', values: [panid, position, atMs] }];
    }
  }
}

function hex(id: RecordId): Uint8Array {
  return Buffer.from(id, 'hex');
}

function entryValues(entry: WatchEntry): SqlValue[] {
  const { panid, merchantId, panIndex, customIndex, sealed, organization, lineage } = entry;
  const names = [panid, merchantId, panIndex, customIndex ?? null, sealed, organization ?? null];
  const place = lineage === undefined ? null : hex(lineage);
  return [...names, place, entry.nextCheckAtMs, entry.createdAtMs];
}

function notificationValues(notification: Notification): SqlValue[] {
  const { panid, position, merchantId, requestId, sealed, createdAtMs } = notification;
  return [panid, position, merchantId, requestId, sealed, createdAtMs];
}
