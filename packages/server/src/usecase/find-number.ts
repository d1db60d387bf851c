import type {
  CardDetails,
  CardInBrief,
  NumberInBrief,
  NumberRecord,
  NumberWithCard,
  NumberWithTerms,
  PanIndex,
} from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { CardNumber } from '../domain/pan.ts';
import { keptDigits } from '../domain/token-format.ts';
import type { Trail } from './audit-trail.ts';
import { type OpenedRecord, openRecord } from './open-record.ts';
import type { CardStore, Directory, Keyring } from './ports.ts';
import { refuseDeletedNumber, refuseDeletedToken } from './refuse-deleted.ts';

export interface FindNumberDeps {
  readonly directory: Directory;
  readonly cards: CardStore;
  readonly keyring: Keyring;
}

/** A number on record, and the PAN behind it. */
export interface FoundNumber<T extends NumberInBrief = NumberRecord> extends OpenedRecord {
  readonly record: T;
}

/** A card on record. */
export interface FoundCard extends FoundNumber<NumberWithCard & { readonly card: CardInBrief }> {
  readonly details: CardDetails;
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
 * @throws {Refusal} `BUDGET_EXHAUSTED`, `CARD_NUMBER_NOT_FOUND`, `CARD_DELETED`, `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export function findByNumber(
  deps: FindNumberDeps,
  organization: Organization,
  number: CardNumber,
  trail: Trail,
): Promise<FoundNumber> {
  return byNumber(numbersOf(deps), organization, number, trail);
}

/** The same, with one of its cards. @throws {Refusal} `CARD_NOT_FOUND` besides */
export async function findCardByNumber(
  deps: FindNumberDeps,
  organization: Organization,
  number: CardNumber,
  sequence: number,
  trail: Trail,
): Promise<FoundCard> {
  const look = cardsOf(deps, sequence);
  return demandCardOf(await byNumber(look, organization, number, trail), sequence);
}

/**
 * The record of a card number, if it has one, with the terms of its cards. The sealed PAN is opened and compared, so that an index
 * moved to another row by hand is noticed, whoever looks.
 *
 * @throws {Refusal} `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export function lookUpNumber(
  deps: Pick<FindNumberDeps, 'cards' | 'keyring'>,
  organization: OrganizationNumber,
  number: CardNumber,
): Promise<FoundNumber<NumberWithTerms> | undefined> {
  const { cards, keyring } = deps;
  return lookUp({ keyring, byIndex: cards.findTermsByIndex }, organization, number);
}

/**
 * The record of a token. The key of a keyed token gives the PAN without the record; both must agree,
 * so that ciphertexts or tokens swapped by hand are noticed and never shown.
 *
 * A token that the card had before it was moved to a newer epoch finds the card as well. A token of a
 * closed epoch is counted when it opens and agrees with its record, and refused.
 *
 * @throws {Refusal} `BUDGET_EXHAUSTED`, `TOKEN_MALFORMED`, `CARD_NUMBER_NOT_FOUND`, `CARD_DELETED`, `TOKEN_EPOCH_CLOSED`,
 *   `TOKEN_EPOCH_DESTROYED`, `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export function findByToken(
  deps: FindNumberDeps,
  organization: Organization,
  token: string,
  trail: Trail,
): Promise<FoundNumber> {
  return byToken(numbersOf(deps), organization, token, trail);
}

/** The same, with one of its cards. @throws {Refusal} `CARD_NOT_FOUND` besides */
export async function findCardByToken(
  deps: FindNumberDeps,
  organization: Organization,
  token: string,
  sequence: number,
  trail: Trail,
): Promise<FoundCard> {
  const look = cardsOf(deps, sequence);
  return demandCardOf(await byToken(look, organization, token, trail), sequence);
}

/** Where numbers are looked for, and what of them is read. */
interface Look<T extends NumberInBrief> {
  readonly keyring: Keyring;
  readonly cards: CardStore;
  byIndex(organization: OrganizationNumber, panIndex: PanIndex): Promise<T | undefined>;
  byToken(organization: OrganizationNumber, epoch: number, token: string): Promise<T | undefined>;
  /** Of a number that was found by a token it no longer has. */
  asOf(record: NumberRecord): Promise<T>;
}

type LookDeps = Pick<FindNumberDeps, 'cards' | 'keyring'>;

function numbersOf({ cards, keyring }: LookDeps): Look<NumberRecord> {
  return {
    keyring,
    cards,
    byIndex: (organization, panIndex) => cards.findNumberByIndex(organization, panIndex),
    byToken: (organization, epoch, token) => cards.findNumberByToken(organization, epoch, token),
    asOf: async (record) => record,
  };
}

function cardsOf({ cards, keyring }: LookDeps, sequence: number): Look<NumberWithCard> {
  return {
    keyring,
    cards,
    byIndex: (organization, panIndex) => cards.findCardByIndex(organization, panIndex, sequence),
    byToken: (organization, epoch, token) =>
      cards.findCardByToken(organization, epoch, token, sequence),
    async asOf(record) {
      const { organization, id } = record;
      return { ...record, card: await cards.findCard(organization, id, sequence) };
    },
  };
}

function demandCardOf(found: FoundNumber<NumberWithCard>, sequence: number): FoundCard {
  if (found.record.card === undefined) throw new Refusal('CARD_NOT_FOUND', { sequence });
  if (found.details instanceof Refusal) throw found.details;
  return found as FoundCard;
}

async function byNumber<T extends NumberInBrief>(
  look: Look<T>,
  organization: Organization,
  number: CardNumber,
  trail: Trail,
): Promise<FoundNumber<T>> {
  trail.note({ number });
  trail.spend(number.reveal(), keptDigits(organization.formats, number.length));
  const found = await lookUp(look, organization.number, number);
  if (found === undefined) {
    await refuseDeletedNumber(look, organization.number, number);
    throw new Refusal('CARD_NUMBER_NOT_FOUND');
  }
  trail.note({ token: found.record.token });
  if (found.record.bait) trail.tripBait();
  return found;
}

async function lookUp<T extends NumberInBrief>(
  look: Pick<Look<T>, 'keyring' | 'byIndex'>,
  organization: OrganizationNumber,
  number: CardNumber,
): Promise<FoundNumber<T> | undefined> {
  const panIndex = look.keyring.panIndex(organization, number);
  const record = await look.byIndex(organization, panIndex);
  if (record === undefined) return undefined;
  const opened = openRecord(look.keyring, record, number);
  if (!opened.pan.equals(number)) throw new Refusal('RECORD_DAMAGED', { recordId: record.id });
  return { record, ...opened };
}

async function byToken<T extends NumberInBrief>(
  look: Look<T>,
  organization: Organization,
  token: string,
  trail: Trail,
): Promise<FoundNumber<T>> {
  const { cards, keyring } = look;
  trail.spend(token, keptDigits(organization.formats, token.length));
  const keys = keyring.tokenKeys(organization.number);
  const opened = await keyring.openToken(organization, token);
  const record =
    (await look.byToken(organization.number, opened.epoch, token)) ??
    (await byReplacedToken(look, organization.number, opened.epoch, token));
  if (record === undefined) {
    await refuseLost(cards, organization.number, opened.lost, token);
    const epochs = [opened.epoch, ...opened.lost];
    await refuseDeletedToken(look, organization.number, epochs, token);
    throw new Refusal('CARD_NUMBER_NOT_FOUND');
  }
  trail.note({ token: record.token });
  if (record.bait) trail.tripBait();
  const { pan, details } = openRecord(keyring, record, opened.pan);
  if (opened.pan !== undefined && !pan.equals(opened.pan)) throw new Refusal('RECORD_DAMAGED');
  if (keys.closed.has(opened.epoch)) {
    const { epoch } = opened;
    trail.countSeen(organization.number, epoch);
    throw new Refusal('TOKEN_EPOCH_CLOSED', { epoch });
  }
  return { record, pan, details };
}

async function byReplacedToken<T extends NumberInBrief>(
  look: Look<T>,
  organization: OrganizationNumber,
  epoch: number,
  token: string,
): Promise<T | undefined> {
  const record = await look.cards.findNumberByReplacedToken(organization, epoch, token);
  return record && look.asOf(record);
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
