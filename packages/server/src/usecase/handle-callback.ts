import { Refusal } from '../domain/error.ts';
import type { Scheme } from '../domain/scheme.ts';
import type { HandledCallback } from './account-update-source.ts';
import type { Clock, Ledger, Random } from './ports.ts';
import type { AccountUpdates } from './route-inquiries.ts';
import type { UpdaterVault } from './watch-ports.ts';

export type HandleCallback = (
  scheme: Scheme,
  body: Uint8Array,
) => Promise<HandledCallback['acknowledgement']>;

export interface HandleCallbackDeps {
  readonly accountUpdates: AccountUpdates;
  readonly ledger: Ledger;
  readonly vault: UpdaterVault;
  readonly random: Random;
  readonly clock: Clock;
}

/** One push tells of some cards; more of them are a mistake or an attack. */
const HINTS_MAX = 1_000;

/**
 * Takes what a scheme pushed. It is a hint only: the cards it names are asked for anew, so that a
 * forged one costs an inquiry and tells nobody anything. Whether a card is watched is not answered.
 *
 * @throws {Refusal} `ROUTE_UNKNOWN` where the scheme is not connected, `ENCDATA_UNREADABLE`,
 *   `REQUEST_INVALID`
 */
export function makeHandleCallback(deps: HandleCallbackDeps): HandleCallback {
  const { accountUpdates, ledger, vault, random, clock } = deps;
  return async (scheme, body) => {
    const source = accountUpdates.schemeSource(scheme);
    if (source === undefined) throw new Refusal('ROUTE_UNKNOWN');
    const { hints, acknowledgement } = await source.handleCallback(body);
    if (hints.length > HINTS_MAX) throw new Refusal('REQUEST_INVALID', { field: 'body' });
    const atMs = clock.nowMs();
    const changes = hints.map(
      ({ number }) => ({ kind: 'wake_number', panIndex: vault.numberIndex(number), atMs }) as const,
    );
    const requestId = random.recordId();
    const record = {
      atMs,
      who: 'updater',
      action: 'wake_watch',
      outcome: 'done',
      requestId,
    } as const;
    await ledger.commit({ changes, audit: { ...record, source: source.name } });
    return acknowledgement;
  };
}
