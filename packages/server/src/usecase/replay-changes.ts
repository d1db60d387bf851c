import type { CardTerms } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { AccountInquiry, InquiryOutcome } from './account-update-source.ts';
import { type IssuerSourceDeps, inquireRecord } from './issuer-source.ts';
import type { CardStore } from './ports.ts';
import type { FedChange, WatchStore } from './watch-ports.ts';

export type ReplayDeps = IssuerSourceDeps & { readonly watch: WatchStore };

/** A card on our own record as it stood before the first change that was not told, and after each. */
export interface Replay {
  readonly outcomes: readonly InquiryOutcome[];
  /** The changes that the outcomes after the first one are of. */
  readonly fed: readonly FedChange[];
  /** Whether more is due than one unit should hold. */
  readonly hasMore: boolean;
}

/** So many changes are told in one unit; the rest is due again at once. */
const STEPS_MAX = 50;

/** How often a card is looked at again that is being changed at the same moment. */
const LOOKS_MAX = 5;

/**
 * Looks at a card as it stood after each change that the one who watches it has not been told: the
 * log without the changes that come later. So of two changes both are told, in their order, however
 * late the check is.
 *
 * What is to be told is read again afterwards: a change that came meanwhile may be in the log that
 * was looked at, and would have been taken for part of the one before.
 */
export async function replayChanges(
  deps: ReplayDeps,
  watch: { readonly panid: string; readonly organization: OrganizationNumber },
  inquiry: AccountInquiry,
): Promise<Replay> {
  const nowMs = deps.clock.nowMs();
  const readFeed = () => deps.watch.listFeed(watch.organization, watch.panid);
  let feed = await readFeed();
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const due = feed.filter(({ dueAtMs }) => dueAtMs <= nowMs);
    const fed = due.slice(0, STEPS_MAX);
    const outcomes: InquiryOutcome[] = [];
    for (let told = 0; told <= fed.length; told++) {
      const cards = withoutChanges(deps.cards, feed.slice(told));
      outcomes.push(await inquireRecord({ ...deps, cards }, inquiry, nowMs));
    }
    const again = await readFeed();
    if (again.map(nameOf).join() === feed.map(nameOf).join()) {
      return { outcomes, fed, hasMore: due.length > fed.length };
    }
    feed = again;
  }
  return { outcomes: [{ refusal: new Refusal('CARD_BUSY') }], fed: [], hasMore: false };
}

const nameOf = ({ lineage, position }: Pick<FedChange, 'lineage' | 'position'>) =>
  `${lineage}:${position}`;

/** Cards as they would be if some changes had not been made. */
function withoutChanges(cards: CardStore, hidden: readonly FedChange[]): CardStore {
  if (hidden.length === 0) return cards;
  const names = new Set(hidden.map(nameOf));
  const lineages = new Set(hidden.map(({ lineage }) => lineage));
  return {
    ...cards,
    async listChanges(organization, lineage) {
      const changes = await cards.listChanges(organization, lineage);
      return changes.filter((change) => !names.has(nameOf(change)));
    },
    async findTermsByIndex(organization, panIndex) {
      const found = await cards.findTermsByIndex(organization, panIndex);
      return found && { ...found, terms: await withoutAdded(organization, found.id, found.terms) };
    },
    async listTerms(organization, numberId) {
      const terms = await cards.listTerms(organization, numberId);
      return withoutAdded(organization, numberId, terms);
    },
  };

  /** A card is one more on its number from the change on that was recorded with it. */
  async function withoutAdded(
    organization: OrganizationNumber,
    numberId: RecordId,
    terms: readonly CardTerms[],
  ): Promise<readonly CardTerms[]> {
    const added = new Set<string>();
    for (const lineage of lineages) {
      for (const change of await cards.listChanges(organization, lineage)) {
        const { kind, sequence, recordedAtMs } = change;
        const isHidden = kind === 'plastic' && names.has(nameOf(change));
        if (isHidden && change.numberId === numberId) added.add(`${sequence}:${recordedAtMs}`);
      }
    }
    return terms.filter(({ sequence, createdAtMs }) => !added.has(`${sequence}:${createdAtMs}`));
  }
}
