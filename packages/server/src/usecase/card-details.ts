import { type Caller, maySeeNumbers } from '../domain/caller.ts';
import type { Card, CardDetails, CardInBrief, NumberInBrief, Sealed } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { withoutNumbers } from '../domain/shown-text.ts';
import type { CardStore, Directory, Keyring, SealedPlace } from './ports.ts';

/**
 * Details are bound to the number's record, not to its token: the record binds the token to the PAN,
 * and a card may be added while its number moves to a token of a newer epoch.
 */
function detailsPlace(number: NumberInBrief, sequence: number): SealedPlace {
  const { organization, id } = number;
  return { organization, recordId: id, token: '', part: `card:${sequence}` };
}

/**
 * The details of a card as a caller may see them. Account and customer numbers are what the issuer
 * sent, which may be card numbers: those are masked for whoever may not see any.
 */
export function shownDetails(
  directory: Directory,
  caller: Caller,
  organization: OrganizationNumber,
  details: CardDetails,
): CardDetails {
  if (maySeeNumbers(caller, organization)) return details;
  const shown = Object.entries(details).map(([name, text]: [string, string]) => [
    name,
    withoutNumbers(text, directory.findBinRange),
  ]);
  return Object.fromEntries(shown);
}

/** Seals the details of a card with a number. */
export function sealDetails(
  keyring: Keyring,
  number: NumberInBrief,
  sequence: number,
  details: CardDetails,
): Sealed {
  return keyring.seal(detailsPlace(number, sequence), JSON.stringify(details));
}

/** @throws {Refusal} `RECORD_DAMAGED`, `KEY_UNAVAILABLE` */
export function openDetails(
  keyring: Keyring,
  number: NumberInBrief,
  card: CardInBrief,
): CardDetails {
  return JSON.parse(keyring.open(detailsPlace(number, card.sequence), card.sealedDetails));
}

/** @throws {Refusal} `CARD_NOT_FOUND` */
export async function demandCard(
  cards: CardStore,
  number: NumberInBrief,
  sequence: number,
): Promise<Card> {
  const card = await cards.findCard(number.organization, number.id, sequence);
  if (card === undefined) throw new Refusal('CARD_NOT_FOUND', { sequence });
  return card;
}
