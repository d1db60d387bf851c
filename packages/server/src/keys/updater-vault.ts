import { createHmac, type KeyObject } from 'node:crypto';
import { Refusal } from '../domain/error.ts';
import type { UpdaterVault, VaultPlace, WatchIndex } from '../usecase/watch-vault.ts';
import { open, openWithAny, seal } from './seal.ts';
import type { IndexKeySeries, KeySeries } from './service-keys.ts';

/** The keys of the updater: HMAC keys and AES-256 keys of the service. */
export interface UpdaterKeys {
  readonly updaterIndex: IndexKeySeries;
  readonly updaterData: KeySeries;
}

/** Watched cards and notifications under keys of the service, since they may belong to nobody here. */
export function makeUpdaterVault({ updaterIndex, updaterData }: UpdaterKeys): UpdaterVault {
  function indexOf(purpose: string, text: string): WatchIndex {
    const digest = (key: KeyObject) =>
      createHmac('sha256', key).update(`${purpose} ${text}`).digest();
    const waiting = updaterIndex.waiting();
    const [, beside] = updaterIndex.living();
    const current = digest(updaterIndex.active());
    return {
      current,
      next: waiting === undefined ? current : digest(waiting),
      sought: [current, beside === undefined ? current : digest(beside)],
    };
  }
  function openAny(place: VaultPlace, bytes: Uint8Array): Buffer {
    const text = openWithAny(updaterData.living(), attributesOf(place), bytes);
    if (text === undefined) throw new Refusal('RECORD_DAMAGED', { panid: place.panid });
    return text;
  }
  return {
    numberIndex: (number) => indexOf('number', number.reveal()),
    customIndex: (customReference) => indexOf('custom-reference', customReference),
    seal: (place, text) =>
      seal(updaterData.active(), attributesOf(place), Buffer.from(text, 'utf8')),
    open(place, bytes) {
      return openAny(place, bytes).toString('utf8');
    },
    reseal(place, bytes) {
      const active = updaterData.active();
      if (open(active, attributesOf(place), bytes) !== undefined) return undefined;
      return seal(active, attributesOf(place), openAny(place, bytes));
    },
  };
}

function attributesOf({ panid, merchantId, part }: VaultPlace): string[] {
  return ['pantoken updater', panid, merchantId, part];
}
