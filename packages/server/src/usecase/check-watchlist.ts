import assert from 'node:assert/strict';
import type { AuditRecord } from '../domain/audit-record.ts';
import { Refusal } from '../domain/error.ts';
import type { Expiry } from '../domain/expiry.ts';
import type { Merchant } from '../domain/merchant.ts';
import { CardNumber } from '../domain/pan.ts';
import { schemeOf } from '../domain/scheme.ts';
import type { ValidationStatus } from '../domain/validation.ts';
import { checkAgainAt, nextCheckAt, type UpdaterSchedule } from '../domain/watch-schedule.ts';
import type { AccountUpdate, InquiryOutcome } from './account-update-source.ts';
import type { Change, Clock, Directory, Ledger, Random } from './ports.ts';
import type { AccountUpdates } from './route-inquiries.ts';
import { updateFields } from './update-fields.ts';
import type { ClaimedEntry, UpdaterVault, WatchedCard, WatchStore } from './watch-ports.ts';

export interface CheckWatchlistDeps {
  readonly ledger: Ledger;
  readonly directory: Directory;
  readonly accountUpdates: AccountUpdates;
  readonly watch: WatchStore;
  readonly vault: UpdaterVault;
  readonly random: Random;
  readonly clock: Clock;
  readonly schedule: UpdaterSchedule;
}

/** One round: what is due is checked. @returns how many entries were claimed. */
export type CheckWatchlist = () => Promise<number>;

/** A hundred fit one call of a scheme; some rounds more keep the wait for a stop short. */
const CLAIMS_MAX = 200;
const MARKS_MAX = 500;

/** A round takes some seconds; a node that died gives its claims back after this. */
const CLAIM_MS = 5 * 60 * 1000;

/** What is no news to a merchant that was told nothing yet: the card it has is the one there is. */
const NO_NEWS: readonly ValidationStatus[] = ['N', 'P', 'V'];

interface OpenedEntry {
  readonly entry: ClaimedEntry;
  readonly card: WatchedCard;
  readonly merchant: Merchant;
  readonly number: CardNumber;
  readonly expiry: Expiry;
}

/**
 * Checks the cards that are due, and those whose lineage was marked by an account change that took
 * effect. What is new is put in the outbox in the unit that settles the check, so that neither is
 * there without the other.
 */
export function makeCheckWatchlist(deps: CheckWatchlistDeps): CheckWatchlist {
  return async () => {
    await wakeMarked(deps);
    const nowMs = deps.clock.nowMs();
    const claimed = await deps.watch.claimEntries(nowMs, nowMs + CLAIM_MS, CLAIMS_MAX);
    const opened = claimed.flatMap((entry) => openEntry(deps, entry));
    const outcomes = await deps.accountUpdates.inquire(opened);
    await Promise.all(
      opened.map((each, index) => {
        const outcome = outcomes[index];
        assert(outcome);
        return settle(deps, each, outcome);
      }),
    );
    return claimed.length;
  };
}

async function wakeMarked({ ledger, watch, clock }: CheckWatchlistDeps): Promise<void> {
  const marks = await watch.listDueMarks(clock.nowMs(), MARKS_MAX);
  await Promise.all(
    marks.map((mark) => {
      const atMs = clock.nowMs();
      const audit = auditOf(atMs, { action: 'wake_watch', requestId: mark.mark });
      return ledger.commit({ changes: [{ kind: 'wake_lineage', mark, atMs }], audit });
    }),
  );
}

function auditOf(
  atMs: number,
  facts: Pick<AuditRecord, 'action' | 'requestId'> & Partial<AuditRecord>,
): AuditRecord {
  return { atMs, who: 'updater', outcome: 'done', ...facts };
}

/** Merchants that are no more are passed over: their claim runs out, and nobody is told. */
function openEntry({ directory, vault }: CheckWatchlistDeps, entry: ClaimedEntry): OpenedEntry[] {
  const { panid, merchantId, sealed } = entry;
  const merchant = directory.findMerchantById(merchantId);
  if (merchant === undefined || merchant.disabledAtMs !== undefined) return [];
  const card: WatchedCard = JSON.parse(vault.open({ panid, merchantId, part: 'entry' }, sealed));
  const number = CardNumber.parseNumber(card.pan);
  return [{ entry, card, merchant, number, expiry: card.expiry as Expiry }];
}

async function settle(
  deps: CheckWatchlistDeps,
  opened: OpenedEntry,
  outcome: InquiryOutcome,
): Promise<void> {
  const { ledger, clock } = deps;
  const { entry, number } = opened;
  const nowMs = clock.nowMs();
  const requestId = deps.random.recordId();
  const { panid } = entry;
  const source = deps.accountUpdates.sourceOf(number).name;
  const begin = { action: 'check_watch', requestId, maskedNumber: String(number), source } as const;
  if (outcome.refusal !== undefined) {
    const { code } = outcome.refusal;
    const audit = auditOf(nowMs, { ...begin, outcome: 'refused', code });
    await ledger.commit({ changes: [failedCheck(entry, code, nowMs)], audit });
    return;
  }
  const { update } = outcome;
  const news = newsOf(deps, opened, update);
  const { organization = entry.organization, lineage = entry.lineage } = update.onRecord ?? {};
  const check = {
    panid,
    claim: entry.claim,
    nextCheckAtMs: nextCheckAt(deps.schedule, nowMs, deps.random.integerBelow(2 ** 32) / 2 ** 32),
    organization,
    lineage,
    toldStatus: news === undefined ? entry.toldStatus : update.status,
    told: news?.told ?? entry.told,
    notificationCount: entry.notificationCount + (news === undefined ? 0 : 1),
    failureCount: 0,
  };
  const changes: Change[] = [{ kind: 'settle_check', check }, ...(news?.changes ?? [])];
  // Where the claim is lost, another check is on its way, and nothing of this one is kept.
  const audit = auditOf(nowMs, { ...begin, status: update.status });
  await ledger.commit({ changes, audit });
}

function failedCheck(entry: ClaimedEntry, lastCode: string, nowMs: number): Change {
  const { panid, claim, organization, lineage, toldStatus, told, notificationCount } = entry;
  const nextCheckAtMs = checkAgainAt(nowMs, entry.failureCount);
  const failureCount = entry.failureCount + 1;
  const kept = { organization, lineage, toldStatus, told, notificationCount };
  const check = { panid, claim, nextCheckAtMs, failureCount, lastCode, ...kept };
  return { kind: 'settle_check', check };
}

/** What the merchant has to be told; undefined when it knows. */
function newsOf(
  { vault, clock, random }: CheckWatchlistDeps,
  { entry, card, number, expiry }: OpenedEntry,
  update: AccountUpdate,
): { told: Uint8Array; changes: readonly Change[] } | undefined {
  const { panid, merchantId, toldStatus } = entry;
  const knowsNothing = toldStatus === undefined || NO_NEWS.includes(toldStatus);
  if (knowsNothing && NO_NEWS.includes(update.status)) return undefined;
  const { status, newNumber, newExpiry } = update;
  const state = [status, newNumber?.reveal() ?? '', newExpiry ?? ''].join(' ');
  const told = vault.textIndex('told', `${panid} ${state}`);
  if (entry.told !== undefined && Buffer.from(entry.told).equals(told)) return undefined;
  const scheme = schemeOf(number);
  if (scheme === undefined) throw new Refusal('SCHEME_UNSUPPORTED');
  const fields = {
    panid,
    ...updateFields({ number, expiry, by: card.by }, { ...update, scheme }),
    ...(card.customReference !== undefined && { customreference: card.customReference }),
  };
  const position = entry.notificationCount + 1;
  const place = { panid, merchantId, part: `notification:${position}` };
  const notification = {
    panid,
    position,
    merchantId,
    requestId: random.recordId(),
    sealed: vault.seal(place, JSON.stringify(fields)),
    createdAtMs: clock.nowMs(),
  };
  return { told, changes: [{ kind: 'add_notification', notification }] };
}
