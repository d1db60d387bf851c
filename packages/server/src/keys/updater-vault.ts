import { createHmac, type KeyObject } from 'node:crypto';
import { Refusal } from '../domain/error.ts';
import type { UpdaterVault, VaultPlace } from '../usecase/watch-ports.ts';
import { open, seal } from './seal.ts';

/** The keys of the updater: an HMAC key and an AES-256 key of the service. */
export interface UpdaterKeys {
  readonly updaterIndex: KeyObject;
  readonly updaterData: KeyObject;
}

/** Watched cards and notifications under keys of the service, since they may belong to nobody here. */
export function makeUpdaterVault({ updaterIndex, updaterData }: UpdaterKeys): UpdaterVault {
  const digest = (purpose: string, text: string) =>
    createHmac('sha256', updaterIndex).update(`${purpose} ${text}`).digest();
  return {
    numberIndex: (number) => digest('number', number.reveal()),
    textIndex: digest,
    seal: (place, text) => seal(updaterData, attributesOf(place), Buffer.from(text, 'utf8')),
    open(place, bytes) {
      const text = open(updaterData, attributesOf(place), bytes);
      if (text === undefined) throw new Refusal('RECORD_DAMAGED', { panid: place.panid });
      return text.toString('utf8');
    },
  };
}

function attributesOf({ panid, merchantId, part }: VaultPlace): string[] {
  return ['pantoken updater', panid, merchantId, part];
}
