import type { AuditRecord } from '../domain/audit-record.ts';
import { Refusal } from '../domain/error.ts';
import { nextAttemptAt, type UpdaterSchedule } from '../domain/watch-schedule.ts';
import type { Alarm } from './audit-ports.ts';
import type { MessageCipher } from './message-cipher.ts';
import type { Clock, Directory, Ledger } from './ports.ts';
import type {
  ClaimedNotification,
  NotificationSender,
  NotificationState,
  WatchStore,
} from './watch-ports.ts';
import type { UpdaterVault } from './watch-vault.ts';

export interface DeliverNotificationsDeps {
  readonly ledger: Ledger;
  readonly directory: Directory;
  readonly watch: WatchStore;
  readonly vault: UpdaterVault;
  readonly cipher: MessageCipher;
  readonly sender: NotificationSender;
  readonly clock: Clock;
  readonly schedule: UpdaterSchedule;
  readonly alarm: Alarm;
}

/** One round: what is due is sent. @returns how many were claimed. */
export type DeliverNotifications = () => Promise<number>;

/** Sockets at once; a receiver that hangs holds one until its time-out. */
const CLAIMS_MAX = 64;

/** Longer than any attempt takes. */
const CLAIM_MS = 2 * 60 * 1000;

/**
 * Sends what merchants have to be told: at least once, in order for each panid, again every hour
 * while it is not acknowledged, and after the last retry not any more.
 */
export function makeDeliverNotifications(deps: DeliverNotificationsDeps): DeliverNotifications {
  return async () => {
    const nowMs = deps.clock.nowMs();
    const claimed = await deps.watch.claimNotifications(nowMs, nowMs + CLAIM_MS, CLAIMS_MAX);
    await Promise.all(claimed.map((notification) => deliver(deps, notification)));
    return claimed.length;
  };
}

async function deliver(
  deps: DeliverNotificationsDeps,
  notification: ClaimedNotification,
): Promise<void> {
  const { ledger, clock, schedule } = deps;
  const { panid, position, claim, merchantId, requestId } = notification;
  const { isDelivered, isFinal, outcome } = await attempt(deps, notification);
  const attemptCount = notification.attemptCount + 1;
  const isOver = isFinal || attemptCount > schedule.retriesMax;
  const state: NotificationState = isDelivered ? 'delivered' : isOver ? 'failed' : 'pending';
  const nowMs = clock.nowMs();
  const delivery = {
    ...{ panid, position, claim, state, attemptCount, lastOutcome: outcome },
    nextAttemptAtMs: nextAttemptAt(schedule, nowMs),
    settledAtMs: state === 'pending' ? undefined : nowMs,
  };
  const audit: AuditRecord = {
    atMs: nowMs,
    who: 'updater',
    action: 'notify_merchant',
    outcome: isDelivered ? 'done' : 'failed',
    merchantId,
    panid,
    requestId,
  };
  await ledger.commit({ changes: [{ kind: 'settle_delivery', delivery }], audit });
}

async function attempt(
  { directory, vault, cipher, sender, alarm }: DeliverNotificationsDeps,
  { panid, position, merchantId, requestId, sealed }: ClaimedNotification,
): Promise<{ isDelivered: boolean; isFinal: boolean; outcome: string }> {
  const merchant = directory.findMerchantById(merchantId);
  if (merchant === undefined || merchant.disabledAtMs !== undefined) {
    return { isDelivered: false, isFinal: true, outcome: 'merchant_disabled' };
  }
  try {
    const text = vault.open({ panid, merchantId, part: `notification:${position}` }, sealed);
    const body = JSON.stringify({ encdata: await cipher.encryptFor(merchant, text) });
    return { isFinal: false, ...(await sender.send(merchant, { requestId, body })) };
  } catch (error) {
    // What cannot be opened or does not fit the key is told to the operator, and does not stop others.
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'RECORD_DAMAGED')
      alarm.raise('record_damaged', { action: 'notify_merchant' });
    return { isDelivered: false, isFinal: true, outcome: error.code };
  }
}
