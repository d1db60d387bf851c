import { Refusal } from '../domain/error.ts';
import { CardNumber } from '../domain/pan.ts';
import type { Change } from './ports.ts';
import type { Report } from './walk-numbers.ts';
import type { WatchedCard } from './watch-ports.ts';
import type { IndexedWatch, UpdaterVault } from './watch-vault.ts';

export interface ReindexDeps {
  readonly vault: Pick<UpdaterVault, 'open' | 'numberIndex' | 'customIndex'>;
  readonly seals: {
    countWatches(): Promise<number>;
    /** By panid, those after `panid` that have not ended. */
    listIndexedWatches(panid: string, limit: number): Promise<readonly IndexedWatch[]>;
  };
}

/** What becomes of some records under the keys of this moment. */
export interface RekeyPage {
  readonly changes: readonly Change[];
  /** Records that do not open; they stay as they are. */
  readonly damagedCount: number;
}

/** Records of one page: a transaction of some milliseconds, so that nobody waits long behind it. */
export const REKEY_PAGE_SIZE = 256;

/**
 * Walks over all watched cards, by panid.
 *
 * @param list the cards behind a panid, at most so many.
 * @param rekey what has to be changed of them.
 */
export async function* walkWatches<T extends { readonly panid: string }>(
  { seals }: Pick<ReindexDeps, 'seals'>,
  list: (after: string, count: number) => Promise<readonly T[]>,
  rekey: (page: readonly T[]) => RekeyPage | Promise<RekeyPage>,
  report: Report,
): AsyncGenerator<RekeyPage> {
  const totalCount = await seals.countWatches();
  let doneCount = 0;
  for (let panid = ''; ; ) {
    const page = await list(panid, REKEY_PAGE_SIZE);
    const last = page.at(-1);
    if (last === undefined) return;
    panid = last.panid;
    yield await rekey(page);
    doneCount += page.length;
    report({ doneCount, totalCount: Math.max(totalCount, doneCount) });
  }
}

/**
 * A page holds a change for each card that is not found as the index keys of this moment would have it;
 * numbers and custom references are opened for that.
 */
export function pagesToReindex(deps: ReindexDeps, report: Report): AsyncGenerator<RekeyPage> {
  const rekey = (page: readonly IndexedWatch[]) => watchesToReindex(deps, page);
  return walkWatches(deps, deps.seals.listIndexedWatches, rekey, report);
}

function watchesToReindex(deps: ReindexDeps, page: readonly IndexedWatch[]): RekeyPage {
  const changes: Change[] = [];
  let damagedCount = 0;
  for (const watch of page) {
    try {
      const index = indexOf(deps, watch);
      const { panid } = watch;
      if (!isFoundBy(watch, index)) changes.push({ kind: 'reindex_watch', panid, ...index });
    } catch (error) {
      // The number is in what is sealed, and nowhere else.
      if (!(error instanceof Refusal) || error.code !== 'RECORD_DAMAGED') throw error;
      damagedCount++;
    }
  }
  return { changes, damagedCount };
}

type Index = Pick<IndexedWatch, 'panIndex' | 'nextPanIndex' | 'customIndex'>;

/** @throws {Refusal} `RECORD_DAMAGED` */
function indexOf({ vault }: ReindexDeps, { panid, merchantId, sealed }: IndexedWatch): Index {
  const card: WatchedCard = JSON.parse(vault.open({ panid, merchantId, part: 'entry' }, sealed));
  const { current, next } = vault.numberIndex(CardNumber.parseNumber(card.pan));
  const { customReference } = card;
  const customIndex =
    customReference === undefined ? undefined : vault.customIndex(customReference).current;
  return { panIndex: current, nextPanIndex: next, customIndex };
}

function isFoundBy(watch: Index, index: Index): boolean {
  return (
    isSame(watch.panIndex, index.panIndex) &&
    isSame(watch.nextPanIndex, index.nextPanIndex) &&
    isSame(watch.customIndex, index.customIndex)
  );
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.from(one).equals(other);
}
