import { type Caller, demandOrganization } from '../domain/caller.ts';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { CardNumber } from '../domain/pan.ts';
import type { Audited } from './audit-trail.ts';
import { demandCard, openDetails } from './card-details.ts';
import { demandRecord, type FindNumberDeps, findByNumber } from './find-number.ts';

export interface InquireTokenRequest {
  readonly organization: OrganizationNumber;
  readonly number: CardNumber;
  readonly sequence: number;
}

/** A card as everybody who may act for its organization may see it. */
export interface CardAnswer {
  readonly organization: OrganizationNumber;
  readonly logo: number;
  readonly sequence: number;
  readonly accountNumber: string;
  readonly token: string;
}

export type InquireToken = (
  caller: Caller,
  request: InquireTokenRequest,
  requestId: string,
) => Promise<CardAnswer>;

/**
 * Gives the PAN-TOKEN of a card number on record: the one it was given when the card was created.
 *
 * @throws {Refusal} `ORGANIZATION_NOT_FOUND`, `ORGANIZATION_RECORD_MISSING`, `PAN_TOKEN_SWITCHED_OFF`,
 *   `CARD_NUMBER_NOT_FOUND`, `CARD_NOT_FOUND`, `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export function makeInquireToken(deps: FindNumberDeps & { audited: Audited }): InquireToken {
  const { audited, directory, cards, keyring } = deps;
  return (caller, request, requestId) =>
    audited({ who: `caller:${caller.id}`, requestId }, 'inquire_token', async (trail) => {
      trail.note({ organization: request.organization, maskedNumber: String(request.number) });
      demandOrganization(caller, request.organization);
      const organization = demandRecord(directory, request.organization);
      if (!organization.panTokenOn) throw new Refusal('PAN_TOKEN_SWITCHED_OFF');
      const { record } = await findByNumber(deps, organization, request.number, trail);
      const card = await demandCard(cards, record, request.sequence);
      const { accountNumber } = openDetails(keyring, record, card);
      await trail.commit([]);
      return {
        organization: record.organization,
        logo: card.logo,
        sequence: card.sequence,
        accountNumber,
        token: record.token,
      };
    });
}
