import type { AuditRecord } from '../domain/audit-record.ts';
import { checkAgainAt } from '../domain/watch-schedule.ts';
import { upstreamFacts } from './account-update-source.ts';
import type { OpenedEntry } from './open-entry.ts';
import type { Clock, Ledger, Random } from './ports.ts';
import { type SubscribeCardsDeps, unsubscribeCard } from './subscribe-cards.ts';

export interface FinishWatchDeps extends SubscribeCardsDeps {
  readonly ledger: Ledger;
  readonly random: Random;
  readonly clock: Clock;
}

/** A scheme that does not take it for so long, up to a day apart, keeps its subscription. */
export const TRIES_MAX = 10;

/**
 * Forgets a card that nobody watches any more, once its scheme need not push any more. It is forgotten,
 * too, when the scheme does not take that: a number is not kept for ever.
 */
export async function finishWatch(deps: FinishWatchDeps, opened: OpenedEntry): Promise<void> {
  const { ledger, random, clock } = deps;
  const { entry, number } = opened;
  const { panid, organization, claim } = entry;
  if (!entry.isEnding) return leave(deps, opened);
  const isSubscribed = entry.subscribedAtMs !== undefined;
  const refusal = isSubscribed ? await unsubscribeCard(deps, opened) : undefined;
  const atMs = clock.nowMs();
  const audit: AuditRecord = {
    ...{ atMs, who: 'updater', action: 'end_watch', requestId: random.recordId(), panid },
    ...{ maskedNumber: String(number), source: deps.accountUpdates.sourceOf(number).name },
    ...(refusal === undefined
      ? { outcome: 'done' }
      : { outcome: 'refused', code: refusal.code, ...upstreamFacts(refusal) }),
  };
  const failureCount = entry.failureCount + 1;
  if (refusal === undefined || failureCount >= TRIES_MAX) {
    await ledger.commit({
      changes: [{ kind: 'finish_watch', panid, organization, claim }],
      audit,
    });
    return;
  }
  const nextCheckAtMs = checkAgainAt(atMs, entry.failureCount);
  const check = {
    ...{ ...entry, told: undefined },
    ...{ nextCheckAtMs, failureCount, lastCode: refusal.code },
  };
  await ledger.commit({ changes: [{ kind: 'settle_check', check }], audit });
}

/** Of a disabled merchant: off its list first, or it would count as one that still watches the card. */
async function leave({ ledger, random, clock }: FinishWatchDeps, { entry }: OpenedEntry) {
  const { panid, organization, merchantId } = entry;
  const atMs = clock.nowMs();
  const facts = { atMs, who: 'updater', action: 'end_watch', outcome: 'done' } as const;
  await ledger.commit({
    changes: [{ kind: 'leave_watch', panid, organization, atMs }],
    audit: { ...facts, requestId: random.recordId(), merchantId, panid },
  });
}
