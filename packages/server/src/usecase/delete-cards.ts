import type { NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RecordId } from '../domain/record-id.ts';
import { openToken } from '../domain/token-format.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import { type DeleteNumberDeps, deleteNumber, listPredecessors } from './delete-number.ts';
import { demandRecord } from './find-number.ts';
import type { Directory } from './ports.ts';
import { removing, type SweepDeps, sweepCards } from './sweep-cards.ts';

export type DeleteCardsDeps = SweepDeps & {
  readonly audited: Audited;
  readonly directory: Directory;
};

export interface DeletionCounts {
  /** Numbers that are to go, or went. */
  readonly numberCount: number;
  readonly cardCount: number;
  /** Tokens that stand for nothing, or for what is deleted already. */
  readonly unknownCount: number;
}

/** What an operator does about cards whose time is over. */
export interface DeleteCards {
  /**
   * @param days undefined: cards are kept. It holds for all nodes within a second.
   * @throws {Refusal} `ORGANIZATION_RECORD_MISSING`
   */
  setRetention(
    context: RequestContext,
    organization: OrganizationNumber,
    days: number | undefined,
  ): Promise<void>;
  /** The cards of tokens, whenever they end, with the numbers that lead to theirs. */
  deleteByToken(
    context: RequestContext,
    organization: OrganizationNumber,
    tokens: readonly string[],
    mode: 'dry-run' | 'delete',
  ): Promise<DeletionCounts>;
  /** All that the rule of the organization says, at once. @throws {Refusal} `RETENTION_NOT_SET` */
  deleteDue(
    context: RequestContext,
    organization: OrganizationNumber,
    mode: 'dry-run' | 'delete',
  ): Promise<DeletionCounts>;
}

export function makeDeleteCards(deps: DeleteCardsDeps): DeleteCards {
  const { audited, directory, cards } = deps;
  return {
    async setRetention(context, organization, days) {
      await audited(context, 'set_retention', async (trail) => {
        trail.note({ organization });
        demandRecord(directory, organization);
        await trail.commit([
          { kind: 'set_retention', organization, days },
          { kind: 'count_directory_up' },
        ]);
      });
      await directory.refresh();
    },

    async deleteByToken(context, organization, tokens, mode) {
      const found = new Map<RecordId, NumberRecord>();
      let unknownCount = 0;
      for (const token of tokens) {
        const record = await findRecord(deps, organization, token);
        if (record === undefined) unknownCount++;
        else {
          for (const each of [...(await listPredecessors(cards, record)), record]) {
            found.set(each.id, each);
          }
        }
      }
      let cardCount = 0;
      for (const record of found.values()) {
        cardCount += (await cards.listCards(organization, record.id)).length;
        if (mode === 'delete') await deleteSurely(deps, context, record);
      }
      return { numberCount: found.size, cardCount, unknownCount };
    },

    async deleteDue(context, organization, mode) {
      const { retentionDays } = demandRecord(directory, organization);
      if (retentionDays === undefined) throw new Refusal('RETENTION_NOT_SET');
      let numberCount = 0;
      let cardCount = 0;
      const remove = removing(deps, context);
      // What others lead to is deleted in the walk after theirs.
      for (let before = -1; before !== numberCount; ) {
        before = numberCount;
        for (let from: RecordId | undefined, isOver = false; !isOver; isOver = from === undefined) {
          const pass = await sweepCards(deps, organization, retentionDays, from, async (record) => {
            const count = (await cards.listCards(organization, record.id)).length;
            const isGone = mode === 'dry-run' || (await remove(record));
            if (isGone) {
              cardCount += count;
              numberCount++;
            }
            return isGone;
          });
          from = pass.next;
        }
        if (mode === 'dry-run') break;
      }
      return { numberCount, cardCount, unknownCount: 0 };
    },
  };
}

async function findRecord(
  { directory, cards, keyring }: DeleteCardsDeps,
  organization: OrganizationNumber,
  token: string,
): Promise<NumberRecord | undefined> {
  const { formats } = demandRecord(directory, organization);
  const { epoch } = openToken(formats, keyring.tokenKeys(organization), token);
  return (
    (await cards.findNumberByToken(organization, epoch, token)) ??
    (await cards.findNumberByReplacedToken(organization, epoch, token))
  );
}

/** How often a card is tried that others change at the same moment. */
const TRIES_MAX = 5;

async function deleteSurely(
  deps: DeleteNumberDeps,
  context: RequestContext,
  record: NumberRecord,
): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    if (await deleteNumber(deps, context, record)) return;
    if ((await deps.cards.findNumber(record.organization, record.id)) === undefined) return;
  }
  throw new Refusal('CARD_BUSY');
}
