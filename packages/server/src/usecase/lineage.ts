import { type LineageState, lineageState } from '../domain/account-change.ts';
import type { NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { CardStore } from './ports.ts';

/** How often a change is tried again when somebody else changed the same card first. */
export const RACE_LIMIT = 5;

/** Where the lineage of a number stands now. */
export async function readLineage(cards: CardStore, record: NumberRecord): Promise<LineageState> {
  const changes = await cards.listChanges(record.organization, record.lineage);
  return lineageState(record.lineage, changes);
}

/**
 * The lineage of a number that may still be issued on.
 *
 * @throws {Refusal} `CARD_REPLACED` by a newer number, `CARD_CLOSED`
 */
export async function demandCurrent(cards: CardStore, record: NumberRecord): Promise<LineageState> {
  const state = await readLineage(cards, record);
  if (state.newestNumberId !== record.id) throw new Refusal('CARD_REPLACED');
  if (state.closed) throw new Refusal('CARD_CLOSED');
  return state;
}
