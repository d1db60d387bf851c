import type { FedChange, Notification, WatchChange, WatchEntry } from '../usecase/watch-ports.ts';
import { idBytes } from './ids.ts';
import type { SqlValue, Write } from './statements.ts';

/** The writes that make a change of the watchlist or the outbox true. */
export function writesOfWatch(change: WatchChange): readonly Write[] {
  switch (change.kind) {
    case 'add_watch':
      return [{ name: 'addWatch', values: entryValues(change.entry) }];
    case 'end_watch':
      return [
        { name: 'endWatch', values: [change.panid, new Uint8Array()] },
        ...forgetWrites(change.panid, change.organization),
      ];
    case 'leave_watch':
      return [
        { name: 'leaveWatch', values: [change.panid, change.atMs] },
        ...forgetWrites(change.panid, change.organization),
      ];
    case 'leave_merchant':
      return [{ name: 'leaveMerchant', values: [change.merchantId, change.atMs] }];
    case 'finish_watch':
      return [
        { name: 'finishWatch', values: [change.panid, change.claim, new Uint8Array()] },
        ...forgetWrites(change.panid, change.organization),
      ];
    case 'watch_card':
      return [{ name: 'watchCard', values: [change.organization, change.subject, change.panid] }];
    case 'forget_subjects':
      return [{ name: 'forgetSubjects', values: [change.organization, change.panid, change.keep] }];
    case 'feed_change': {
      const { organization, lineage, position, dueAtMs } = change.change;
      const adopting = [organization, idBytes(lineage), change.numberIndex];
      const what = [dueAtMs, idBytes(lineage), position];
      const feeding = change.lineages.map((each): Write => {
        return { name: 'feedWatchers', values: [organization, idBytes(each), ...what] };
      });
      return [{ name: 'adoptWatchers', values: adopting }, ...feeding];
    }
    case 'wake_entry':
      return [
        { name: 'wakeEntry', values: [change.panid, change.atMs] },
        ...change.fed.map((fed): Write => ({ name: 'markWoken', values: fedValues(fed) })),
      ];
    case 'drop_fed':
      return [{ name: 'dropFed', values: fedValues(change.fed) }];
    case 'wake_number':
      return [{ name: 'wakeNumber', values: [...change.sought, change.atMs] }];
    case 'settle_check': {
      const { panid, claim, nextCheckAtMs, organization, lineage, toldStatus } = change.check;
      const { told, notificationCount, failureCount, lastCode, subscribedAtMs } = change.check;
      const place = [organization ?? null, lineage === undefined ? null : idBytes(lineage)];
      const state = [toldStatus ?? null, told ?? null, notificationCount, failureCount];
      const values = [panid, claim, nextCheckAtMs, ...place, ...state, lastCode ?? null];
      return [{ name: 'settleCheck', values: [...values, subscribedAtMs ?? null] }];
    }
    case 'add_notification':
      return [{ name: 'addNotification', values: notificationValues(change.notification) }];
    case 'settle_delivery': {
      const { panid, position, claim, state, attemptCount } = change.delivery;
      const { nextAttemptAtMs, lastOutcome, settledAtMs } = change.delivery;
      const values = [panid, position, claim, state, attemptCount, nextAttemptAtMs, lastOutcome];
      // Card numbers are in it, and nobody needs them any more.
      const sealed = state === 'delivered' ? new Uint8Array() : null;
      return [{ name: 'settleDelivery', values: [...values, settledAtMs ?? null, sealed] }];
    }
    case 'retry_notification': {
      const { panid, position, atMs } = change;
      return [{ name: 'retryNotification', values: [panid, position, atMs] }];
    }
  }
}

/** What was to be told is not told any more, also what was given up and could be sent again. */
function forgetWrites(panid: string, organization: number | undefined): readonly Write[] {
  const drop: Write = { name: 'dropNotifications', values: [panid] };
  if (organization === undefined) return [drop];
  const values = [organization, panid];
  return [drop, { name: 'leaveCard', values }, { name: 'dropFeed', values }];
}

function fedValues({ organization, panid, dueAtMs, lineage, position }: FedChange): SqlValue[] {
  return [organization, panid, dueAtMs, idBytes(lineage), position];
}

function entryValues(entry: WatchEntry): SqlValue[] {
  const { panid, merchantId, numberIndex, customIndex, sealed, organization, lineage } = entry;
  const indices = [numberIndex.current, numberIndex.next, customIndex ?? null];
  const names = [panid, merchantId, ...indices, sealed, organization ?? null];
  const place = lineage === undefined ? null : idBytes(lineage);
  return [...names, place, entry.nextCheckAtMs, entry.createdAtMs];
}

function notificationValues(notification: Notification): SqlValue[] {
  const { panid, position, merchantId, requestId, sealed, createdAtMs } = notification;
  return [panid, position, merchantId, requestId, sealed, createdAtMs];
}
