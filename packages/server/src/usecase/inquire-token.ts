import { type Caller, demandOrganization, demandRight } from '../domain/caller.ts';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { CardNumber } from '../domain/pan.ts';
import type { Audited } from './audit-trail.ts';
import { shownDetails } from './card-details.ts';
import { demandRecord, type FindNumberDeps, findCardByNumber } from './find-number.ts';
import type { ZoneKeys } from './ports.ts';

export interface InquireTokenRequest {
  readonly organization: OrganizationNumber;
  /** In clear, or under the zone key of the organization: 32 hexadecimal digits. */
  readonly number: CardNumber | { readonly encrypted: string };
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

export type InquireTokenDeps = FindNumberDeps & {
  readonly zoneKeys: ZoneKeys;
  readonly audited: Audited;
};

/**
 * Gives the PAN-TOKEN of a card number on record: the one it was given when the card was created.
 *
 * @throws {Refusal} `ORGANIZATION_NOT_FOUND`, `RIGHT_MISSING`, `ORGANIZATION_RECORD_MISSING`,
 *   `PAN_TOKEN_SWITCHED_OFF`, `NUMBER_ENCRYPTED_NO_ZONE_KEY`, `NUMBER_ENCRYPTED_UNREADABLE`,
 *   `CARD_NUMBER_NOT_FOUND`, `CARD_NOT_FOUND`, `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export function makeInquireToken(deps: InquireTokenDeps): InquireToken {
  const { audited, directory, zoneKeys } = deps;
  return (caller, request, requestId) =>
    audited({ who: `caller:${caller.id}`, requestId }, 'inquire_token', async (trail) => {
      trail.note({ organization: request.organization });
      if (!('encrypted' in request.number)) trail.note({ number: request.number });
      demandOrganization(caller, request.organization);
      demandRight(caller, 'inquire-token');
      const organization = demandRecord(directory, request.organization);
      if (!organization.panTokenOn) throw new Refusal('PAN_TOKEN_SWITCHED_OFF');
      const number =
        'encrypted' in request.number
          ? zoneKeys.decrypt(request.organization, request.number.encrypted)
          : request.number;
      const { sequence } = request;
      const found = await findCardByNumber(deps, organization, number, sequence, trail);
      const { record, details } = found;
      const { accountNumber } = shownDetails(directory, caller, record.organization, details);
      await trail.commit([]);
      return {
        organization: record.organization,
        logo: record.card.logo,
        sequence,
        accountNumber,
        token: record.token,
      };
    });
}
