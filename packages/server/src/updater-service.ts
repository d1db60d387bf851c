/**
 * Puts the account updater together: sources, watchlist, outbox. Part of the composition root.
 *
 * @module
 */
import type { Logger } from 'pino';
import { makeNotificationSender } from './connectors/notification-sender.ts';
import { readUpdaterFile } from './connectors/updater-file.ts';
import { makeMessageSigner } from './keys/message-signer.ts';
import type { KeySeries } from './keys/service-keys.ts';
import { makeUpdaterVault, type UpdaterKeys } from './keys/updater-vault.ts';
import type { Store } from './store/engine.ts';
import { makeWatchStore } from './store/watch-store.ts';
import { startUpdater } from './updater.ts';
import { makeAddToWatchlist } from './usecase/add-to-watchlist.ts';
import type { Alarm } from './usecase/audit-ports.ts';
import type { Audited } from './usecase/audit-trail.ts';
import { makeCheckWatchlist } from './usecase/check-watchlist.ts';
import { makeDeliverNotifications } from './usecase/deliver-notifications.ts';
import { makeDisableMerchant } from './usecase/disable-merchant.ts';
import { makeEndWatch } from './usecase/end-watch.ts';
import { makeHandleCallback } from './usecase/handle-callback.ts';
import { type IssuerSourceDeps, makeIssuerSource } from './usecase/issuer-source.ts';
import { makeListPanids } from './usecase/list-panids.ts';
import { makeMerchantKeys } from './usecase/merchant-keys.ts';
import type { MessageCipher } from './usecase/message-cipher.ts';
import type { Credentials, Ledger, Random } from './usecase/ports.ts';
import { makeRecordAccountChange } from './usecase/record-account-change.ts';
import { makeRecordAccountChanges } from './usecase/record-account-changes.ts';
import { makeRecordRefusal } from './usecase/record-refusal.ts';
import { makeValidationQuota } from './usecase/request-rate.ts';
import { makeRetryNotification } from './usecase/retry-notification.ts';
import { makeAccountUpdates } from './usecase/route-inquiries.ts';
import { makeSetMerchantTerms } from './usecase/set-merchant-terms.ts';
import { makeSetNotification } from './usecase/set-notification.ts';
import { makeValidatePan } from './usecase/validate-pan.ts';

export interface UpdaterServiceDeps extends IssuerSourceDeps {
  /** The folder with `updater.json`, if there is one. */
  readonly home: string;
  readonly store: Store;
  readonly keys: UpdaterKeys & { readonly updaterSigning: KeySeries };
  readonly audited: Audited;
  readonly ledger: Ledger;
  readonly cipher: MessageCipher;
  readonly random: Random;
  readonly credentials: Credentials;
  readonly alarm: Alarm;
  readonly log: Logger;
}

/** @throws {Error} when `updater.json`, or a file it names, is wrong. */
export function makeUpdaterService(given: UpdaterServiceDeps) {
  const { home, store, keys, directory, log } = given;
  const { schemes, guards, schedule, notifications, close } = readUpdaterFile(home);
  const issuer = makeIssuerSource(given);
  const signer = makeMessageSigner(keys.updaterSigning);
  const accountUpdates = makeAccountUpdates({ directory, issuer, schemes });
  const watch = makeWatchStore(store.reader, store.claimer);
  const sender = makeNotificationSender({
    ...notifications,
    sign: (url, body, id) => signer.headersFor(url, body, id, given.clock.nowMs()),
  });
  const vault = makeUpdaterVault(keys);
  const deps = { ...given, accountUpdates, guards, watch, vault, sender, schedule };
  const rounds = {
    checkWatchlist: makeCheckWatchlist(deps),
    deliverNotifications: makeDeliverNotifications(deps),
  };
  let stop: (() => Promise<void>) | undefined;
  return {
    /** What the faces need. */
    validatePan: makeValidatePan(deps),
    validationQuota: makeValidationQuota(given.clock),
    recordAccountChanges: makeRecordAccountChanges(
      makeRecordAccountChange(deps),
      makeRecordRefusal(deps),
    ),
    handleCallback: makeHandleCallback(deps),
    watchlist: {
      addToWatchlist: makeAddToWatchlist(deps),
      endWatch: makeEndWatch(deps),
      listPanids: makeListPanids(deps),
    },
    /** One round each, for tests. */
    ...rounds,
    merchantKeys: makeMerchantKeys(deps),
    setNotification: makeSetNotification(deps),
    setMerchantTerms: makeSetMerchantTerms(deps),
    disableMerchant: makeDisableMerchant(deps),
    /** What receivers verify signed notifications with. */
    get signingKeyPem() {
      return signer.publicKeyPem();
    },
    vault,
    listNotifications: watch.listNotifications,
    listFailing: watch.listFailing,
    retryNotification: makeRetryNotification(deps),
    /** Goes through watchlist and outbox until it is closed. */
    start(): void {
      stop ??= startUpdater({ ...rounds, log });
    },
    async close(): Promise<void> {
      await stop?.();
      close();
    },
  };
}
