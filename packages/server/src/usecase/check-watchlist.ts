import assert from 'node:assert/strict';
import type { AuditRecord } from '../domain/audit-record.ts';
import { Refusal, type RefusalCode } from '../domain/error.ts';
import { checkAgainAt, nextCheckAt, type UpdaterSchedule } from '../domain/watch-schedule.ts';
import { type AccountUpdate, upstreamFacts } from './account-update-source.ts';
import type { Alarm } from './audit-ports.ts';
import { type FinishWatchDeps, finishWatch, TRIES_MAX } from './finish-watch.ts';
import { type DamagedEntry, type OpenedEntry, openEntries } from './open-entry.ts';
import type { Change } from './ports.ts';
import { type Replay, type ReplayDeps, replayChanges } from './replay-changes.ts';
import { type Subscription, subscribeCards, unsubscribeCard } from './subscribe-cards.ts';
import { newsOf } from './watch-news.ts';
import type { ClaimedEntry } from './watch-ports.ts';
import { watchCard } from './watch-subject.ts';

export interface CheckWatchlistDeps extends ReplayDeps, FinishWatchDeps {
  readonly schedule: UpdaterSchedule;
  readonly alarm: Alarm;
}

/** One round: what is due is checked. @returns how many entries were claimed. */
export type CheckWatchlist = () => Promise<number>;

/** A hundred fit one call of a scheme; some rounds more keep the wait for a stop short. */
const CLAIMS_MAX = 200;
const WAKES_MAX = 500;

/** A round takes some seconds; a node that died gives its claims back after this. */
const CLAIM_MS = 5 * 60 * 1000;

/**
 * Checks the cards that are due, and those of our own record that changed. What is new is put in the
 * outbox in the unit that settles the check, so that neither is there without the other.
 */
export function makeCheckWatchlist(deps: CheckWatchlistDeps): CheckWatchlist {
  return async () => {
    await wakeFed(deps);
    const nowMs = deps.clock.nowMs();
    const claimed = await deps.watch.claimEntries(nowMs, nowMs + CLAIM_MS, CLAIMS_MAX);
    const { opened, damaged } = openEntries(deps, claimed);
    const [over, watched] = [opened.filter(({ isOver }) => isOver), opened.filter(isWatched)];
    const fresh = watched.filter(({ entry }) => entry.subscribedAtMs === undefined);
    const subscriptions = await subscribeCards(deps, fresh);
    const looks = await look(deps, watched);
    await Promise.all([
      ...watched.map((each) => settle(deps, each, looks.get(each), subscriptions.get(each))),
      ...over.map((each) => finishWatch(deps, each)),
      ...damaged.map((each) => settleDamaged(deps, each)),
    ]);
    return claimed.length;
  };
}

const isWatched = ({ isOver }: OpenedEntry) => !isOver;

/** What is fed makes its entry due. Once: an entry that cannot be checked is not woken for ever. */
async function wakeFed({ ledger, watch, clock, random }: CheckWatchlistDeps): Promise<void> {
  const due = await watch.listDueFeed(clock.nowMs(), WAKES_MAX);
  const byPanid = Map.groupBy(due, ({ panid }) => panid);
  await Promise.all(
    [...byPanid].map(([panid, fed]) => {
      const atMs = clock.nowMs();
      const audit = auditOf(atMs, { action: 'wake_watch', requestId: random.recordId(), panid });
      return ledger.commit({ changes: [{ kind: 'wake_entry', panid, fed, atMs }], audit });
    }),
  );
}

function auditOf(
  atMs: number,
  facts: Pick<AuditRecord, 'action' | 'requestId'> & Partial<AuditRecord>,
): AuditRecord {
  return { atMs, who: 'updater', outcome: 'done', ...facts };
}

/** Our own record is looked at change by change; of a scheme's card there is one answer, for now. */
async function look(
  deps: CheckWatchlistDeps,
  opened: readonly OpenedEntry[],
): Promise<ReadonlyMap<OpenedEntry, Replay>> {
  const looks = new Map<OpenedEntry, Replay>();
  const elsewhere: OpenedEntry[] = [];
  for (const each of opened) {
    const { panid, organization } = each.entry;
    const isOurs = deps.directory.findBinRange(each.number)?.organization === organization;
    if (organization === undefined || !isOurs) elsewhere.push(each);
    else looks.set(each, await replayChanges(deps, { panid, organization }, each));
  }
  const outcomes = await deps.accountUpdates.inquire(elsewhere);
  for (const [index, each] of elsewhere.entries()) {
    const outcome = outcomes[index];
    assert(outcome);
    looks.set(each, { outcomes: [outcome], fed: [], hasMore: false });
  }
  return looks;
}

async function settle(
  deps: CheckWatchlistDeps,
  opened: OpenedEntry,
  replay: Replay | undefined,
  subscription: Subscription,
): Promise<void> {
  assert(replay);
  const { changes, audit } = settled(deps, opened, replay, subscription);
  if (audit.code === 'RECORD_DAMAGED') raiseDamaged(deps, audit);
  const outcome = await deps.ledger.commit({ changes, audit });
  // Another check is on its way, or nobody watches any more; nothing of this one is kept.
  if (!outcome.committed && subscription === 'done') await unsubscribeCard(deps, opened);
}

/**
 * An entry that does not open is due again later, as after a check without an answer, since it may be
 * repaired, or a node may lack a key for a moment. One that nobody watches any more is forgotten at the
 * last try: whom its scheme could leave out is not known.
 */
async function settleDamaged(
  deps: CheckWatchlistDeps,
  { entry, isOver, refusal: { code } }: DamagedEntry,
): Promise<void> {
  const { panid, organization, claim, merchantId, subscribedAtMs } = entry;
  const nowMs = deps.clock.nowMs();
  const requestId = deps.random.recordId();
  const action = isOver ? 'end_watch' : 'check_watch';
  const facts = auditOf(nowMs, { action, requestId, merchantId, panid });
  const audit = { ...facts, outcome: 'refused', code } as const;
  const isGivenUp = isOver && entry.failureCount + 1 >= TRIES_MAX;
  const change: Change = isGivenUp
    ? { kind: 'finish_watch', panid, organization, claim }
    : failedCheck(entry, code, nowMs, subscribedAtMs);
  raiseDamaged(deps, audit);
  await deps.ledger.commit({ changes: [change], audit });
}

function raiseDamaged({ alarm }: CheckWatchlistDeps, { action }: AuditRecord): void {
  alarm.raise('record_damaged', { action });
}

/** What a check comes to: the notifications, and when the entry is due again. */
function settled(
  deps: CheckWatchlistDeps,
  opened: OpenedEntry,
  replay: Replay,
  subscription: Subscription,
): { changes: readonly Change[]; audit: AuditRecord } {
  const { clock } = deps;
  const { entry, number } = opened;
  const nowMs = clock.nowMs();
  const audit = auditOf(nowMs, {
    ...{ action: 'check_watch', requestId: deps.random.recordId(), maskedNumber: String(number) },
    ...{ panid: entry.panid, merchantId: entry.merchantId },
    source: deps.accountUpdates.sourceOf(number).name,
  });
  const subscribedAtMs = subscription === 'done' ? nowMs : entry.subscribedAtMs;
  const updates: AccountUpdate[] = [];
  for (const { update, refusal } of replay.outcomes) {
    if (refusal !== undefined) {
      const { code } = refusal;
      const refused = { ...audit, ...upstreamFacts(refusal), outcome: 'refused', code } as const;
      return { changes: [failedCheck(entry, code, nowMs, subscribedAtMs)], audit: refused };
    }
    updates.push(update);
  }
  const last = updates.at(-1);
  assert(last);
  const { told, notifications } = newsOf(deps, opened, updates);
  const { organization = entry.organization, lineage = entry.lineage } = last.onRecord ?? {};
  const placed = placeChanges(deps, opened, last);
  const isRefused = subscription instanceof Refusal;
  const check = {
    ...{ panid: entry.panid, claim: entry.claim, organization, lineage, ...told },
    // What changed before its place was known was not fed: it is looked at once more.
    nextCheckAtMs: replay.hasMore || placed.length > 0 ? nowMs : dueAgain(deps, subscription),
    failureCount: 0,
    subscribedAtMs,
    lastCode: isRefused ? subscription.code : undefined,
  };
  const changes: Change[] = [
    { kind: 'settle_check', check },
    ...placed,
    ...replay.fed.map((fed): Change => ({ kind: 'drop_fed', fed })),
    ...notifications.map((notification): Change => ({ kind: 'add_notification', notification })),
  ];
  const refused = isRefused && upstreamFacts(subscription);
  return { changes, audit: { ...audit, ...refused, status: last.status } };
}

/** A scheme that could not be subscribed to is asked again tomorrow, where that may help. */
function dueAgain({ schedule, clock, random }: CheckWatchlistDeps, subscription: Subscription) {
  const share = random.integerBelow(2 ** 32) / 2 ** 32;
  const isPassing = subscription instanceof Refusal && subscription.kind === 'unavailable';
  const days = isPassing ? 1 : schedule.recheckDays;
  return nextCheckAt({ ...schedule, recheckDays: days }, clock.nowMs(), share);
}

/** A card that came on record, or whose BIN became ours, since it was last checked. */
function placeChanges(
  { keyring }: CheckWatchlistDeps,
  { entry, number }: OpenedEntry,
  { onRecord }: AccountUpdate,
): Change[] {
  if (onRecord === undefined) return [];
  const { organization, lineage } = onRecord;
  if (organization === entry.organization && lineage === entry.lineage) return [];
  const index = keyring.panIndex(organization, number);
  return watchCard(organization, entry.panid, lineage, index);
}

function failedCheck(
  entry: ClaimedEntry,
  lastCode: RefusalCode,
  nowMs: number,
  subscribedAtMs: number | undefined,
): Change {
  const { panid, claim, organization, lineage, toldStatus, notificationCount } = entry;
  const nextCheckAtMs = checkAgainAt(nowMs, entry.failureCount);
  const failureCount = entry.failureCount + 1;
  const kept = { organization, lineage, toldStatus, notificationCount, subscribedAtMs };
  const check = { panid, claim, nextCheckAtMs, failureCount, lastCode, ...kept };
  return { kind: 'settle_check', check };
}
