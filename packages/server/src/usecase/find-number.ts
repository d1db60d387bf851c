import type { NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { type CardNumber, Pan } from '../domain/pan.ts';
import { keptDigits, openToken } from '../domain/token-format.ts';
import type { Trail } from './audit-trail.ts';
import type { CardStore, Directory, Keyring, SealedPlace } from './ports.ts';

export interface FindNumberDeps {
  readonly directory: Directory;
  readonly cards: CardStore;
  readonly keyring: Keyring;
}

/** A number on record, and the PAN behind it. */
export interface FoundNumber {
  readonly record: NumberRecord;
  readonly pan: Pan;
}

/** A card as a caller names it. */
export type CardReference =
  | { readonly kind: 'number'; readonly number: CardNumber }
  | { readonly kind: 'token'; readonly token: string };

/** @throws {Refusal} `ORGANIZATION_RECORD_MISSING` */
export function demandRecord(directory: Directory, organization: OrganizationNumber): Organization {
  const record = directory.findOrganization(organization);
  if (record === undefined) throw new Refusal('ORGANIZATION_RECORD_MISSING');
  return record;
}

/** @throws {Refusal} as {@link findByNumber} and {@link findByToken}. */
export function findByReference(
  deps: FindNumberDeps,
  organization: Organization,
  reference: CardReference,
  trail: Trail,
): Promise<FoundNumber> {
  return reference.kind === 'number'
    ? findByNumber(deps, organization, reference.number, trail)
    : findByToken(deps, organization, reference.token, trail);
}

/**
 * The record of a card number that must have one.
 *
 * @throws {Refusal} `BUDGET_EXHAUSTED`, `CARD_NUMBER_NOT_FOUND`, `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export async function findByNumber(
  { cards, keyring }: FindNumberDeps,
  organization: Organization,
  number: CardNumber,
  trail: Trail,
): Promise<FoundNumber> {
  trail.note({ maskedNumber: String(number) });
  trail.spend(number.reveal(), keptDigits(organization.formats, number.length));
  const found = await lookUpNumber({ cards, keyring }, organization.number, number);
  if (found === undefined) throw new Refusal('CARD_NUMBER_NOT_FOUND');
  trail.note({ token: found.record.token });
  if (found.record.bait) trail.tripBait();
  return found;
}

/**
 * The record of a card number, if it has one. The sealed PAN is opened and compared, so that an index
 * moved to another row by hand is noticed, whoever looks.
 *
 * @throws {Refusal} `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export async function lookUpNumber(
  { cards, keyring }: Pick<FindNumberDeps, 'cards' | 'keyring'>,
  organization: OrganizationNumber,
  number: CardNumber,
): Promise<FoundNumber | undefined> {
  const panIndex = keyring.panIndex(organization, number);
  const record = await cards.findNumberByIndex(organization, panIndex);
  if (record === undefined) return undefined;
  const pan = openPan(keyring, record);
  if (!pan.equals(number)) throw new Refusal('RECORD_DAMAGED', { recordId: record.id });
  return { record, pan };
}

/**
 * The record of a token. The key of a keyed token gives the PAN without the record; both must agree,
 * so that ciphertexts or tokens swapped by hand are noticed and never shown.
 *
 * A token that the card had before it was moved to a newer epoch finds the card as well. A token of a
 * closed epoch is counted when it opens and agrees with its record, and refused.
 *
 * @throws {Refusal} `BUDGET_EXHAUSTED`, `TOKEN_MALFORMED`, `CARD_NUMBER_NOT_FOUND`, `TOKEN_EPOCH_CLOSED`,
 *   `TOKEN_EPOCH_DESTROYED`, `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export async function findByToken(
  { cards, keyring }: FindNumberDeps,
  organization: Organization,
  token: string,
  trail: Trail,
): Promise<FoundNumber> {
  trail.spend(token, keptDigits(organization.formats, token.length));
  const keys = keyring.tokenKeys(organization.number);
  const opened = openToken(organization.formats, keys, token);
  const record =
    (await cards.findNumberByToken(organization.number, opened.epoch, token)) ??
    (await cards.findNumberByReplacedToken(organization.number, opened.epoch, token));
  if (record === undefined) {
    await refuseLost(cards, organization.number, opened.lost, token);
    throw new Refusal('CARD_NUMBER_NOT_FOUND');
  }
  trail.note({ token: record.token });
  if (record.bait) trail.tripBait();
  const pan = openPan(keyring, record);
  if (opened.pan !== undefined && !pan.equals(opened.pan)) throw new Refusal('RECORD_DAMAGED');
  if (keys.closed.has(opened.epoch)) {
    const { epoch } = opened;
    trail.countSeen(organization.number, epoch);
    throw new Refusal('TOKEN_EPOCH_CLOSED', { epoch });
  }
  return { record, pan };
}

/** A token of a destroyed epoch whose mark a newer one has taken over is known by its replacement. */
async function refuseLost(
  cards: CardStore,
  organization: OrganizationNumber,
  lost: readonly number[],
  token: string,
): Promise<void> {
  for (const epoch of lost) {
    const record = await cards.findNumberByReplacedToken(organization, epoch, token);
    if (record !== undefined) throw new Refusal('TOKEN_EPOCH_DESTROYED', { epoch });
  }
}

/** @throws {Refusal} `RECORD_DAMAGED`, `KEY_UNAVAILABLE` */
export function openPan(keyring: Keyring, record: NumberRecord): Pan {
  return Pan.parse(keyring.open(panPlace(record), record.sealedPan));
}

/** Where a sealed PAN belongs. The lineage is part of it: a number cannot be moved to another card. */
export function panPlace({
  organization,
  id,
  token,
  lineage,
}: Pick<NumberRecord, 'organization' | 'id' | 'token' | 'lineage'>): SealedPlace {
  return { organization, recordId: id, token, part: `pan:${lineage}` };
}
