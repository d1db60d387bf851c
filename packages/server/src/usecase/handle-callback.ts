import { Refusal } from '../domain/error.ts';
import type { Scheme } from '../domain/scheme.ts';
import type { CallbackGuard, CallbackOrigin, HandledCallback } from './account-update-source.ts';
import type { Clock, Ledger, Random } from './ports.ts';
import type { AccountUpdates } from './route-inquiries.ts';
import type { UpdaterVault } from './watch-vault.ts';

export interface HandleCallback {
  /**
   * Before anything of it is read.
   *
   * @throws {Refusal} `ROUTE_UNKNOWN` where no pushes of the scheme are taken, `CREDENTIALS_INVALID`
   */
  demandScheme(scheme: Scheme, origin: CallbackOrigin): void;
  /**
   * @throws {Refusal} `ROUTE_UNKNOWN`, `ENCDATA_UNREADABLE`, `REQUEST_INVALID`
   */
  take(scheme: Scheme, body: Uint8Array): Promise<HandledCallback['acknowledgement']>;
}

export interface HandleCallbackDeps {
  readonly accountUpdates: AccountUpdates;
  readonly guards: Partial<Record<Scheme, CallbackGuard>>;
  readonly ledger: Ledger;
  readonly vault: UpdaterVault;
  readonly random: Random;
  readonly clock: Clock;
}

/** One push tells of some cards; more of them are a mistake or an attack. */
const HINTS_MAX = 1_000;

/**
 * Takes what a scheme pushed, from the scheme only. It is a hint all the same: the cards it names are
 * asked for anew, and whether a card is watched is not answered.
 */
export function makeHandleCallback(deps: HandleCallbackDeps): HandleCallback {
  const { guards, accountUpdates, ledger, vault, random, clock } = deps;

  function demandScheme(scheme: Scheme, origin: CallbackOrigin): void {
    const guard = guards[scheme];
    if (guard === undefined) throw new Refusal('ROUTE_UNKNOWN');
    if (!guard(origin)) throw new Refusal('CREDENTIALS_INVALID');
  }

  async function take(scheme: Scheme, body: Uint8Array) {
    const source = accountUpdates.schemeSource(scheme);
    if (source === undefined) throw new Refusal('ROUTE_UNKNOWN');
    const { hints, acknowledgement } = await source.handleCallback(body);
    if (hints.length > HINTS_MAX) throw new Refusal('REQUEST_INVALID', { field: 'body' });
    const atMs = clock.nowMs();
    const changes = hints.map(
      ({ number }) =>
        ({ kind: 'wake_number', sought: vault.numberIndex(number).sought, atMs }) as const,
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
  }

  return { demandScheme, take };
}
