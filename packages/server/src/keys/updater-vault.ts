import { createHmac, type KeyObject } from 'node:crypto';
import { Refusal } from '../domain/error.ts';
import type { UpdaterVault, VaultPlace } from '../usecase/watch-ports.ts';
import { open, openWithAny, seal } from './seal.ts';
import type { KeySeries } from './service-keys.ts';

/** The keys of the updater: an HMAC key and an AES-256 key of the service. */
export interface UpdaterKeys {
  readonly updaterIndex: KeyObject;
  readonly updaterData: KeySeries;
}

/** Watched cards and notifications under keys of the service, since they may belong to nobody here. */
export function makeUpdaterVault({ updaterIndex, updaterData }: UpdaterKeys): UpdaterVault {
  const digest = (purpose: string, text: string) =>
    createHmac('sha256', updaterIndex).update(`${purpose} ${text}`).digest();
  function openAny(place: VaultPlace, bytes: Uint8Array): Buffer {
    const text = openWithAny(updaterData.living(), attributesOf(place), bytes);
    if (text === undefined) throw new Refusal('RECORD_DAMAGED', { panid: place.panid });
    return text;
  }
  return {
    numberIndex: (number) => digest('number', number.reveal()),
    textIndex: digest,
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
