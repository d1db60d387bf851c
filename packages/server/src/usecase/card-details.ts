import { type Caller, maySeeNumbers } from '../domain/caller.ts';
import type { Card, CardDetails, CardInBrief, NumberInBrief, Sealed } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { CardNumber } from '../domain/pan.ts';
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

/**
 * Seals the details of a card with a number, and with them an imprint of the number's record.
 *
 * @param pan of the number.
 * @throws {Refusal} `KEY_UNAVAILABLE`
 */
export function sealDetails(
  keyring: Keyring,
  number: NumberInBrief,
  sequence: number,
  details: CardDetails,
  pan: CardNumber,
): Sealed {
  const imprint = keyring.imprint(number.organization, imprinted(number, pan));
  return keyring.seal(detailsPlace(number, sequence), imprint + JSON.stringify(details));
}

/** @throws {Refusal} `RECORD_DAMAGED`, `KEY_UNAVAILABLE` */
export function openDetails(
  keyring: Keyring,
  number: NumberInBrief,
  card: CardInBrief,
): CardDetails {
  return readDetails(keyring, number, card).details;
}

/**
 * The same, and whether they vouch for the record of the number: it is still the one they were sealed beside, and
 * under the same key. Then the PAN is `pan`, and nothing else has to be opened to see that nobody exchanged anything.
 *
 * @throws {Refusal} `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export function openDetailsBeside(
  keyring: Keyring,
  number: NumberInBrief,
  card: CardInBrief,
  pan: CardNumber,
): { readonly details: CardDetails; readonly doVouch: boolean } {
  const { dataKeyEpoch } = card.sealedDetails;
  const { details, imprint } = readDetails(keyring, number, card);
  // Once a data key is destroyed, nothing vouches for what was sealed under it.
  if (dataKeyEpoch !== number.sealedPan.dataKeyEpoch) return { details, doVouch: false };
  const { organization } = number;
  const own = keyring.imprint(organization, imprinted(number, pan), dataKeyEpoch);
  return { details, doVouch: imprint === own };
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

/** What stands before the JSON is the imprint, which has no brace; those that were sealed before imprints have none. */
function readDetails(
  keyring: Keyring,
  number: NumberInBrief,
  card: CardInBrief,
): { readonly details: CardDetails; readonly imprint: string } {
  const text = keyring.open(detailsPlace(number, card.sequence), card.sealedDetails);
  const start = text.indexOf('{');
  return { details: JSON.parse(text.slice(start)), imprint: text.slice(0, start) };
}

/** All that could be exchanged of a number's record, and the PAN. None of it has a space in it. */
function imprinted({ id, token, lineage, sealedPan }: NumberInBrief, pan: CardNumber): string {
  const { dataKeyEpoch, bytes } = sealedPan;
  const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
  return [pan.reveal(), id, token, lineage, dataKeyEpoch, sealed].join(' ');
}
