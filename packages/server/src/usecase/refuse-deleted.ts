import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { CardNumber } from '../domain/pan.ts';
import { nameOfNumber, nameOfToken } from '../domain/retention.ts';
import type { CardStore, Keyring } from './ports.ts';

export interface DeletedDeps {
  readonly cards: Pick<CardStore, 'isDeleted'>;
  readonly keyring: Pick<Keyring, 'referenceIndex'>;
}

/** @throws {Refusal} `CARD_DELETED` when there was a card of this number. */
export async function refuseDeletedNumber(
  deps: DeletedDeps,
  organization: OrganizationNumber,
  number: CardNumber,
): Promise<void> {
  if (await isNumberDeleted(deps, organization, number)) throw new Refusal('CARD_DELETED');
}

/** @throws {Refusal} `CARD_DELETED` when a card had this token, of one of these epochs. */
export async function refuseDeletedToken(
  { cards, keyring }: DeletedDeps,
  organization: OrganizationNumber,
  epochs: readonly number[],
  token: string,
): Promise<void> {
  for (const epoch of epochs) {
    const digest = keyring.referenceIndex(organization, nameOfToken(epoch, token));
    if (await cards.isDeleted(organization, digest)) throw new Refusal('CARD_DELETED');
  }
}

/** Whether there was a card of this number, and it was deleted. */
export function isNumberDeleted(
  { cards, keyring }: DeletedDeps,
  organization: OrganizationNumber,
  number: CardNumber,
): Promise<boolean> {
  return cards.isDeleted(organization, keyring.referenceIndex(organization, nameOfNumber(number)));
}
