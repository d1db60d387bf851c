import type { AuditRecord } from '../domain/audit-record.ts';
import { Refusal, type RefusalCode } from '../domain/error.ts';
import type { Expiry } from '../domain/expiry.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { CardNumber } from '../domain/pan.ts';
import { schemeOf } from '../domain/scheme.ts';
import { firstCheckAt, type UpdaterSchedule } from '../domain/watch-schedule.ts';
import type { Audited, Trail } from './audit-trail.ts';
import { findMerchantCard } from './find-merchant-card.ts';
import type { CardReference } from './find-number.ts';
import type { CardStore, Change, Clock, Directory, Keyring, Ledger, Random } from './ports.ts';
import type { WatchEntry, WatchedCard, WatchStore } from './watch-ports.ts';
import { watchCard } from './watch-subject.ts';
import type { SoughtIndex, UpdaterVault } from './watch-vault.ts';

/** A card that a merchant wants to hear of. */
export interface WatchRequest {
  readonly card: CardReference;
  readonly expiry: Expiry;
  /** At most 64 bytes. */
  readonly customReference?: string | undefined;
}

export type WatchResult =
  | { readonly status: 'added' | 'already_there'; readonly panid: string }
  | { readonly status: 'failed'; readonly code: RefusalCode };

export type AddToWatchlist = (
  merchant: Merchant,
  requests: readonly (WatchRequest | Refusal)[],
  requestId: string,
) => Promise<readonly WatchResult[]>;

export interface AddToWatchlistDeps {
  readonly audited: Audited;
  readonly ledger: Ledger;
  readonly directory: Directory;
  readonly cards: CardStore;
  readonly keyring: Keyring;
  readonly watch: WatchStore;
  readonly vault: UpdaterVault;
  readonly random: Random;
  readonly clock: Clock;
  readonly schedule: UpdaterSchedule;
}

/** So many are added at the same time: they share commits, and leave room for other requests. */
const AT_ONCE = 200;

/** The merchant's custom reference, in UTF-8. */
export const CUSTOM_REFERENCE_BYTES_MAX = 64;

/**
 * Puts cards on the watchlist of a merchant, each for itself: one that fails does not stop the
 * others, and one that is there stays as it is. Results come in order; of equal cards in one call the
 * first is added.
 *
 * @throws {Refusal} `NOTIFICATION_URL_MISSING`: nobody could be told of anything; `STORE_UNAVAILABLE`,
 *   `TOO_BUSY`, after which the call may be sent again whole
 */
export function makeAddToWatchlist(deps: AddToWatchlistDeps): AddToWatchlist {
  return (merchant, requests, requestId) =>
    deps.audited({ who: `merchant:${merchant.id}`, requestId }, 'add_watch', async (trail) => {
      if (merchant.notificationUrl === undefined) throw new Refusal('NOTIFICATION_URL_MISSING');
      // Each card has a record of its own; that of the call names none, and holds what was spent.
      const silent = { ...trail, note: () => undefined };
      const results: WatchResult[] = [];
      for (let start = 0; start < requests.length; start += AT_ONCE) {
        const wave = requests.slice(start, start + AT_ONCE);
        const added = wave.map((request) => addOne(deps, merchant, request, silent, requestId));
        results.push(...(await Promise.all(added)));
      }
      await trail.commit([]);
      return results;
    });
}

async function addOne(
  deps: AddToWatchlistDeps,
  merchant: Merchant,
  request: WatchRequest | Refusal,
  trail: Trail,
  requestId: string,
): Promise<WatchResult> {
  try {
    if (request instanceof Refusal) throw request;
    return await add(deps, merchant, request, trail, requestId);
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind === 'unavailable') throw error;
    return { status: 'failed', code: error.code };
  }
}

async function add(
  deps: AddToWatchlistDeps,
  merchant: Merchant,
  request: WatchRequest,
  trail: Trail,
  requestId: string,
): Promise<WatchResult> {
  const { ledger, watch, clock } = deps;
  const number = await findMerchantCard(deps, merchant, request.card, trail);
  if (schemeOf(number) === undefined) throw new Refusal('SCHEME_UNSUPPORTED');
  const { entry, sought, placing } = await makeEntry(deps, merchant, request, number, trail);
  const { panid } = entry;
  const audit: AuditRecord = {
    atMs: clock.nowMs(),
    who: `merchant:${merchant.id}`,
    action: 'add_watch',
    outcome: 'done',
    maskedNumber: String(number),
    panid,
    requestId,
  };
  const changes: Change[] = [{ kind: 'add_watch', entry }, ...placing];
  const outcome = await ledger.commit({ changes, audit });
  if (outcome.committed) return { status: 'added', panid };
  const there = await watch.findPanid(merchant.id, sought);
  if (there === undefined) throw new Refusal('CARD_BUSY'); // Ended at this very moment.
  return { status: 'already_there', panid: there };
}

async function makeEntry(
  { directory, cards, keyring, vault, random, clock, schedule }: AddToWatchlistDeps,
  merchant: Merchant,
  { card: reference, expiry, customReference }: WatchRequest,
  number: CardNumber,
  trail: Trail,
): Promise<{ entry: WatchEntry; sought: SoughtIndex; placing: readonly Change[] }> {
  const panid = Buffer.from(random.bytes(16)).toString('hex');
  const card: WatchedCard = {
    pan: number.reveal(),
    expiry,
    by: reference.kind,
    ...(customReference !== undefined && { customReference }),
  };
  const organization = directory.findBinRange(number)?.organization;
  const index = organization !== undefined && keyring.panIndex(organization, number);
  const record = index ? await cards.findNumberByIndex(organization, index) : undefined;
  if (record?.bait && reference.kind === 'number') trail.tripBait();
  const place = { panid, merchantId: merchant.id, part: 'entry' } as const;
  const numberIndex = vault.numberIndex(number);
  const nowMs = clock.nowMs();
  const entry = {
    panid,
    merchantId: merchant.id,
    numberIndex,
    customIndex:
      customReference === undefined ? undefined : vault.customIndex(customReference).current,
    sealed: vault.seal(place, JSON.stringify(card)),
    organization,
    lineage: record?.lineage,
    nextCheckAtMs: firstCheckAt(schedule, nowMs, random.integerBelow(2 ** 32) / 2 ** 32),
    createdAtMs: nowMs,
  };
  const placing =
    organization !== undefined && index
      ? watchCard(organization, panid, record?.lineage, index)
      : [];
  return { entry, sought: numberIndex.sought, placing };
}
