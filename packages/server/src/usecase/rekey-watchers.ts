import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { CardNumber } from '../domain/pan.ts';
import type { Change, Keyring } from './ports.ts';
import { REKEY_PAGE_SIZE } from './reindex-watches.ts';
import type { WatchedCard } from './watch-ports.ts';
import { watchCard } from './watch-subject.ts';
import type { UpdaterVault, WatchOfOrganization } from './watch-vault.ts';

/** Reads of who watches the cards of an organization. */
export interface WatchersDeps {
  readonly keyring: Pick<Keyring, 'panIndex'>;
  readonly vault: Pick<UpdaterVault, 'open'>;
  readonly seals: {
    /** By panid, those after `panid` that have not ended. */
    listWatchesOf(
      organization: OrganizationNumber,
      panid: string,
      limit: number,
    ): Promise<readonly WatchOfOrganization[]>;
  };
}

/**
 * Who waits for a number to come on record waits under the next index key as well. Pages of changes.
 */
export function pagesOfWaiting(deps: WatchersDeps, organization: OrganizationNumber) {
  return walk(deps, organization, (watch) => {
    if (watch.lineage !== undefined) return [];
    return watchCard(organization, watch.panid, undefined, indexOf(deps, organization, watch));
  });
}

/** And no longer under the one before. Pages of changes. */
export function pagesOfOutdated(deps: WatchersDeps, organization: OrganizationNumber) {
  return walk(deps, organization, (watch) => {
    const { panid, lineage } = watch;
    const isWaiting = lineage === undefined;
    const keep = isWaiting ? indexOf(deps, organization, watch).current : new Uint8Array();
    return [{ kind: 'forget_subjects', organization, panid, keep }];
  });
}

async function* walk(
  deps: WatchersDeps,
  organization: OrganizationNumber,
  changesOf: (watch: WatchOfOrganization) => readonly Change[],
): AsyncGenerator<readonly Change[]> {
  for (let panid = ''; ; ) {
    const page = await deps.seals.listWatchesOf(organization, panid, REKEY_PAGE_SIZE);
    const last = page.at(-1);
    if (last === undefined) return;
    panid = last.panid;
    yield page.flatMap((watch) => {
      try {
        return changesOf(watch);
      } catch (error) {
        // Its number is not known; it is found again by its check, should it be repaired.
        if (error instanceof Refusal && error.code === 'RECORD_DAMAGED') return [];
        throw error;
      }
    });
  }
}

/** @throws {Refusal} `RECORD_DAMAGED` */
function indexOf(
  { keyring, vault }: WatchersDeps,
  organization: OrganizationNumber,
  { panid, merchantId, sealed }: WatchOfOrganization,
) {
  const card: WatchedCard = JSON.parse(vault.open({ panid, merchantId, part: 'entry' }, sealed));
  return keyring.panIndex(organization, CardNumber.parseNumber(card.pan));
}
