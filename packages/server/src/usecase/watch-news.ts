import { Refusal } from '../domain/error.ts';
import type { Expiry } from '../domain/expiry.ts';
import type { CardNumber } from '../domain/pan.ts';
import { schemeOf } from '../domain/scheme.ts';
import type { ValidationStatus } from '../domain/validation.ts';
import type { AccountUpdate } from './account-update-source.ts';
import type { Clock, Random } from './ports.ts';
import { updateFields } from './update-fields.ts';
import type { ClaimedEntry, Notification, SettledCheck, WatchedCard } from './watch-ports.ts';
import type { UpdaterVault, VaultPlace } from './watch-vault.ts';

export interface WatchNewsDeps {
  readonly vault: UpdaterVault;
  readonly random: Random;
  readonly clock: Clock;
}

/** An entry and what its merchant gave. */
export interface WatchedEntry {
  readonly entry: ClaimedEntry;
  readonly card: WatchedCard;
  readonly number: CardNumber;
  readonly expiry: Expiry;
}

/** What a merchant knows of a card. */
export type Told = Pick<SettledCheck, 'toldStatus' | 'told' | 'notificationCount'>;

/** What is no news to a merchant that was told nothing yet: the card it has is the one there is. */
const NO_NEWS: readonly ValidationStatus[] = ['N', 'P', 'V'];

/**
 * What a merchant has to be told when a card stood like this, one after the other. What it knows
 * already is not told again.
 *
 * @returns what it knows then, and the notifications, in order.
 */
export function newsOf(
  deps: WatchNewsDeps,
  watched: WatchedEntry,
  updates: readonly AccountUpdate[],
): { readonly told: Told; readonly notifications: readonly Notification[] } {
  const { entry } = watched;
  const place = { panid: entry.panid, merchantId: entry.merchantId, part: 'told' } as const;
  const notifications: Notification[] = [];
  let { toldStatus, notificationCount } = entry;
  const before = openTold(deps.vault, place, entry.told);
  let known = before;
  for (const update of updates) {
    const isQuiet = toldStatus === undefined || NO_NEWS.includes(toldStatus);
    if (isQuiet && NO_NEWS.includes(update.status)) continue;
    const state = stateOf(update);
    if (known === state) continue;
    notificationCount++;
    toldStatus = update.status;
    known = state;
    notifications.push(notificationOf(deps, watched, update, notificationCount));
  }
  const told = known === undefined || known === before ? undefined : deps.vault.seal(place, known);
  return { told: { toldStatus, told, notificationCount }, notifications };
}

/** What does not open counts as not told: a merchant may be told twice, and not too little. */
function openTold(
  vault: UpdaterVault,
  place: VaultPlace,
  told: Uint8Array | undefined,
): string | undefined {
  try {
    return told && vault.open(place, told);
  } catch (error) {
    if (error instanceof Refusal && error.code === 'RECORD_DAMAGED') return undefined;
    throw error;
  }
}

function stateOf({ status, newNumber, newExpiry }: AccountUpdate): string {
  return [status, newNumber?.reveal() ?? '', newExpiry ?? ''].join(' ');
}

function notificationOf(
  { vault, random, clock }: WatchNewsDeps,
  { entry: { panid, merchantId }, card, number, expiry }: WatchedEntry,
  update: AccountUpdate,
  position: number,
): Notification {
  const scheme = schemeOf(number);
  if (scheme === undefined) throw new Refusal('SCHEME_UNSUPPORTED');
  const fields = {
    panid,
    ...updateFields({ number, expiry, by: card.by }, { ...update, scheme }),
    ...(card.customReference !== undefined && { customreference: card.customReference }),
  };
  const place = { panid, merchantId, part: `notification:${position}` } as const;
  return {
    ...{ panid, position, merchantId, requestId: random.recordId() },
    sealed: vault.seal(place, JSON.stringify(fields)),
    createdAtMs: clock.nowMs(),
  };
}
