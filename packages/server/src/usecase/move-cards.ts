import type { Card, NumberRecord } from '../domain/card.ts';
import type { Expiry } from '../domain/expiry.ts';
import type { Pan } from '../domain/pan.ts';
import { openDetails, sealDetails } from './card-details.ts';
import type { CardStore, Change, Clock, Keyring } from './ports.ts';

/**
 * The cards of an old number, made anew for the number that takes its place.
 *
 * @param pan of `record`.
 * @param expiry of all of them.
 */
export async function moveCards(
  { cards, keyring, clock }: { cards: CardStore; keyring: Keyring; clock: Clock },
  old: NumberRecord,
  record: NumberRecord,
  pan: Pan,
  expiry: Expiry,
): Promise<{ cards: Card[]; changes: Change[] }> {
  const nowMs = clock.nowMs();
  const moved = (await cards.listCards(old.organization, old.id)).map((card) => {
    const details = openDetails(keyring, old, card);
    return {
      ...card,
      numberId: record.id,
      expiry,
      chipSequence: 1,
      sealedDetails: sealDetails(keyring, record, card.sequence, details, pan),
      createdAtMs: nowMs,
    };
  });
  return { cards: moved, changes: moved.map((card) => ({ kind: 'add_card', card })) };
}
